//@ call f args(q, S + sqrt(S))
// expect 1:24: `sqrt` is for real expressions, this one is an integer
