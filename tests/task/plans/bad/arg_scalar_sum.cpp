//@ call f args(q, scale * 2)
// expect 1:20: `scale` is a scalar of the spec, not an integer that the plan can compute with
