//@ tune A = 1 |
//@ call f args(q, o)
// expect 1:17: a number, a name or `(` is expected here, but the expression ends
