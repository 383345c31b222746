//@ tensormap t = q dims [S] box [1] fill nans
//@ launch f grid(1) block(1) args(q, o)
// expect 1:43: `fill` cannot be `nans`; did you mean `nan`?
