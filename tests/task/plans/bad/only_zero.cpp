//@ zero o
// expect 1:1: the plan has no `call` line; add a line `//@ call FUNCTION args(...)`
