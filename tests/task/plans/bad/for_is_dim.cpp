//@ call f for S in 0..4 args(q)
// expect 1:16: `S` is already a dim of the spec; choose another name
