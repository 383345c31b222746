//@ call main args(q)
// expect 1:10: `main` has a meaning of its own; choose another name
