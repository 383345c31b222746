//@ call f for p in 4 args(q)
// expect 1:21: a range `a..b` is expected here: its `..` is missing (at `for`)
