//@ call f for p in 0..p args(q)
// expect 1:24: the loop variable `p` is known only in the other clauses of its own line
