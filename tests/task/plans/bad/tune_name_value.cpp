//@ tune A = 1 | S
//@ call f args(q, o)
// expect 1:18: a tunable's values are integers, `S` is none
