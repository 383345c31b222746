//@ launch f grid(1) block(1) smem(1, 2)
// expect 1:35: `smem` takes one expression, not 2
