//@ tensormap t = q dims [S] box [1] l2 32
//@ launch f grid(1) block(1) args(q, o)
// expect 1:41: `l2` cannot be 32; it can be 0, 64, 128, 256
