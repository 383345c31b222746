//@ tune register = 1
//@ call f args(q, o)
// expect 1:10: `register` is a C++ keyword; choose another name
