//@ where q > 2
//@ call f args(q, o)
// expect 1:11: `q` is a tensor of the spec, not an integer that the plan can compute with
