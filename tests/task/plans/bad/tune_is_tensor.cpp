//@ tune q = 1
//@ call f args(q, o)
// expect 1:10: `q` is already a tensor of the spec; choose another name
