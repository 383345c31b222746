//@ scratch x f32 [T]
//@ call f args(q, o)
// expect 1:20: unknown name `T`; it can be `B`, `H`, `S`, `D`, `THREADS`
