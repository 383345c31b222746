//@ zero q
//@ call f args(q, o)
// expect 1:10: `q` is an input; `zero` takes a scratch or an output
