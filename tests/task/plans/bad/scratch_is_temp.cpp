//@ scratch m f32 [S]
//@ call f args(q, o)
// expect 1:13: `m` is already a temp of the spec; choose another name
