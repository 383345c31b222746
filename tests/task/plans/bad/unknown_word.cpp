//@ tunes A = 1 | 2
//@ call f args(q, o)
// expect 1:5: unknown plan word `tunes`; did you mean `tune`?
