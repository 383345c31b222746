//@ call f args(q, o)
  //@ tune A = 1
// expect 2:3: a plan line begins in column 1 (at `//@`); remove the blanks before `//@`
