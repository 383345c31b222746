//@ tune exp = 1
//@ call f args(q, o)
// expect 1:10: `exp` is declared by a standard header; choose another name
