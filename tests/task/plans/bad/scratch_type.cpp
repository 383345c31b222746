//@ scratch x f31 [S]
//@ call f args(q, o)
// expect 1:15: unknown element type `f31`; did you mean `f32`?
