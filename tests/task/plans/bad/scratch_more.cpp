//@ scratch x f32 [S] zero
//@ call f args(q, o)
// expect 1:23: the line should end here, not go on with `zero`
