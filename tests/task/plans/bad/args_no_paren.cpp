//@ call f args q
// expect 1:17: `(` is expected here, not `q`
