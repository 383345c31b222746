//@ tune scale = 1
//@ call f args(q, o)
// expect 1:10: `scale` is already a scalar of the spec; choose another name
