//@ tensormap t = q dims [S] box [1] type tf31
//@ launch f grid(1) block(1) args(q, o)
// expect 1:43: `type` cannot be `tf31`; did you mean `tf32`?
