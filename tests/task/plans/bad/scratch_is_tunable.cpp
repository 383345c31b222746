//@ tune x = 1
//@ scratch x f32 [S]
//@ call f args(q, o)
// expect 2:13: `x` is already a tunable (line 1); choose another name
