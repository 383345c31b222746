//@ scratch part f32 [S]
//@ zero prt
//@ call f args(q, o)
// expect 2:10: `prt` is neither a scratch nor an output; did you mean `part`?
