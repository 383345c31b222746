//@ call f args(q, SMS)
// expect 1:20: `SMS` is for the cuda target; the cpu target has THREADS
