//@ zero m
//@ call f args(q, o)
// expect 1:10: `m` is neither a scratch nor an output; it can be `o`
