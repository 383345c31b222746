//@ scratch x f32
//@ call f args(q, o)
// expect 1:18: `[` is expected here, not the end of the line
