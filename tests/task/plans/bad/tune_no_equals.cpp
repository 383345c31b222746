//@ tune A 1
//@ call f args(q, o)
// expect 1:12: `=` is expected here, not `1`
