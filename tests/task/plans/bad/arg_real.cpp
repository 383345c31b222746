//@ call f args(q, 0.5)
// expect 1:20: an integer is expected, not `0.5`
