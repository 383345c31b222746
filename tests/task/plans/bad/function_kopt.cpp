//@ call kopt_entry args(q)
// expect 1:10: `kopt_entry`: names that begin with kopt_ are kopt's own; choose another name
