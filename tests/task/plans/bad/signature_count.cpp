//@ call f args(q, o)

//@ call f args(q)
// expect 3:10: the number of arguments of `f` is 1 here, but 2 in line 1; give one function the same parameters on every line
