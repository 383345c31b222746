//@ tensormap t = q dims [S] box [1] swizle 64
//@ launch f grid(1) block(1) args(q, o)
// expect 1:38: unknown part `swizle` of a tensormap; did you mean `swizzle`?
