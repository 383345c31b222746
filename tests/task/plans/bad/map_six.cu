//@ tensormap t = q dims [1, 1, 1, 1, 1, S] box [1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:26: `dims` takes 1 to 5 expressions, not 6
