//@ tune A = 1 | 0.5
//@ call f args(q, o)
// expect 1:18: an integer is expected, not `0.5`
