//@ scratch x f32 [S, (B]
//@ call f args(q, o)
// expect 1:25: `)` is expected here, not `]`
