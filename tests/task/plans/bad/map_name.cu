//@ tensormap q = q dims [S] box [1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:15: `q` is already a tensor of the spec; choose another name
