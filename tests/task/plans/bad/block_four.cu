//@ launch f grid(1) block(1, 2, 3, 4)
// expect 1:27: `block` takes 1 to 3 expressions, not 4
