//@ call f args(q, , o)
// expect 1:20: a number, a name or `(` is expected here, but the expression ends
