//@ scratch x f32 []
//@ call f args(q, o)
// expect 1:19: `scratch` takes 1 to 8 expressions, not 0
