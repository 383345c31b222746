//@ 5 = tune
//@ call f args(q, o)
// expect 1:5: a plan word (tune, where, scratch, zero, tensormap, launch, call) is expected here, not `5`
