//@ scratch x [S]
//@ call f args(q, o)
// expect 1:15: the scratch's element type is expected here, not `[`
