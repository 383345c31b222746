//@ call q_t args(q)
// expect 1:10: `q_t` is already the element type of `q`; choose another name
