//@ tensormap t = q dims [S, D] box [1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:15: `box` needs 2 entries with these dims, not 1
