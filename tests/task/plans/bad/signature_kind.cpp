//@ call f args(q, S)
//@ call f args(q, i64(S))
// expect 2:20: argument 2 of `f` is `i64` here, but `int` in line 1; give one function the same parameters on every line
