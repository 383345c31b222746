//@ scratch x f32 [S, B
//@ call f args(q, o)
// expect 1:19: this `[` is never closed
