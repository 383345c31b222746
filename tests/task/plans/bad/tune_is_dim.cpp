//@ tune S = 1
//@ call f args(q, o)
// expect 1:10: `S` is already a dim of the spec; choose another name
