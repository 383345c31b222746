//@ call f args(q, oo)
// expect 1:20: unknown name `oo`; did you mean `o`?
