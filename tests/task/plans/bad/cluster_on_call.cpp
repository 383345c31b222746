//@ call f cluster(2) args(q)
// expect 1:12: `cluster` is for the cuda target: on cpu a function is called once, and divides its work itself (OpenMP); a call takes args(...), when(...), for p in a..b
