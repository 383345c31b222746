//@ tensormap t = q box [1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:15: the tensormap has no `dims`; add dims [...]
