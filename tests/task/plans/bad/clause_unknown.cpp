//@ call f arg(q, o)
// expect 1:12: unknown clause `arg`; did you mean `args`?
