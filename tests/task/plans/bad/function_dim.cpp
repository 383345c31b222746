//@ call S args(q)
// expect 1:10: `S` is already a dim of the spec; choose another name
