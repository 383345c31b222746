//@ launch f grid(1) block()
// expect 1:27: `block` takes 1 to 3 expressions, not 0
