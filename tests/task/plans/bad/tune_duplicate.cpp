//@ tune A = 1
//@ tune A = 2
//@ call f args(q, o)
// expect 2:10: `A` is already a tunable (line 1); choose another name
