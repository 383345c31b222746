//@ call f args(q) when(S, 2)
// expect 1:24: `when` takes one expression, not 2
