//@ tune q_t = 1
//@ call f args(q, o)
// expect 1:10: `q_t` is already the element type of `q`; choose another name
