//@ call f for p in 0..4 args(q, p)
//@ call g args(q, p)
// expect 2:20: the loop variable `p` is known only in the other clauses of its own line
