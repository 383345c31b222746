//@ tune A =
//@ call f args(q, o)
// expect 1:13: a value is expected here, not the end of the line (at `A`)
