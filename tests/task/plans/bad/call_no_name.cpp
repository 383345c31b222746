//@ call (q, o)
// expect 1:10: the function's name is expected here, not `(`
