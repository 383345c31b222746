//@ tune kopt_x = 1
//@ call f args(q, o)
// expect 1:10: `kopt_x`: names that begin with kopt_ are kopt's own; choose another name
