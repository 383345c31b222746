//@ where
//@ call f args(q, o)
// expect 1:10: a number, a name or `(` is expected here, but the expression ends
