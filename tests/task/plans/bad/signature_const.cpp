//@ call f args(q)
//@ call f args(o)
// expect 2:17: argument 1 of `f` is `f32*` here, but `const f32*` in line 1; give one function the same parameters on every line
