//@ tune TILE = 8
//@ where TIKE > 4
//@ call f args(q, o)
// expect 2:11: unknown name `TIKE`; did you mean `TILE`?
