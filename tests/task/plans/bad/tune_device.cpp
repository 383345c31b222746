//@ tune THREADS = 1
//@ call f args(q, o)
// expect 1:10: `THREADS` has a meaning of its own in specs and plans; choose another name
