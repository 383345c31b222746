//@ zero state
//@ call f args(q, o)
// expect 1:10: `state` is an inout: its values are needed; `zero` takes a scratch or an output
