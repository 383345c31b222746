//@ call f args(q, m)
// expect 1:20: `m` is a temp: only the reference sees it; declare a scratch
