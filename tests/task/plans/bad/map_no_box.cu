//@ tensormap t = q dims [S]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:15: the tensormap has no `box`; add box [...]
