//@ call f args(q) args(o)
// expect 1:20: `args` is given twice
