//@ tensormap t = q dims [S] box [1] swizzle 100
//@ launch f grid(1) block(1) args(q, o)
// expect 1:46: `swizzle` cannot be 100; it can be 0, 32, 64, 128
