//@ call f args(q, o) pdl
// expect 1:23: `pdl` is for the cuda target: on cpu a function is called once, and divides its work itself (OpenMP); a call takes args(...), when(...), for p in a..b
