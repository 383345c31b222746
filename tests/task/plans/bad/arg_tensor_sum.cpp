//@ call f args(q + 4, o)
// expect 1:17: `q` is a tensor of the spec, not an integer that the plan can compute with
