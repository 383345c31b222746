//@ call f args(q, S § 2)
// expect 1:22: an operator or the end is expected here, not byte 0xc2
