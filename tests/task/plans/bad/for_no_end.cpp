//@ call f for p in 0.. args(q)
// expect 1:25: unknown function `args`; it can be `min`, `max`, `ceil_div`, `align`, `pow`
