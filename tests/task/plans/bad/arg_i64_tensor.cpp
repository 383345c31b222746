//@ call f args(i64(q))
// expect 1:21: `q` is a tensor of the spec, not an integer that the plan can compute with
