//@ where ceil_dv(S, 2) > 4
//@ call f args(q, o)
// expect 1:11: unknown function `ceil_dv`; did you mean `ceil_div`?
