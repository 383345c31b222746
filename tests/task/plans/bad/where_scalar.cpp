//@ where scale > 2
//@ call f args(q, o)
// expect 1:11: `scale` is a scalar of the spec, not an integer that the plan can compute with
