//@ tune = 1
//@ call f args(q, o)
// expect 1:10: the tunable's name is expected here, not `=`
