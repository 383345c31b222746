//@ tune A = 1 | 2 | 1
//@ call f args(q, o)
// expect 1:22: the value 1 is listed twice (at `A`)
