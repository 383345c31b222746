//@ tensormap t = m dims [S] box [1]
//@ launch f grid(1) block(1) args(q, o)
// expect 1:19: `m` is neither a tensor nor a scratch; it can be `q`, `k`, `v`, `state`, `o`
