//@ tensormap t = q dims [S, D] box [1, 1] strides [D, 1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:15: `strides` needs 1 entries with these dims, not 2
