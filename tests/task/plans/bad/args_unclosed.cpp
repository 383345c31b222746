//@ call f args(q, (S + 1)
// expect 1:16: this `(` is never closed
