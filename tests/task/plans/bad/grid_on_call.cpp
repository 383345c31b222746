//@ call f grid(1) args(q, o)
// expect 1:12: `grid` is for the cuda target: on cpu a function is called once, and divides its work itself (OpenMP); a call takes args(...), when(...), for p in a..b
