//@ tensormap t = q dims [S] dims [S] box [1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:30: `dims` is given twice
