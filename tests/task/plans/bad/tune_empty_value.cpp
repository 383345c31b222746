//@ tune A = 1 | | 2
//@ call f args(q, o)
// expect 1:18: a number, a name or `(` is expected here, but the expression ends
