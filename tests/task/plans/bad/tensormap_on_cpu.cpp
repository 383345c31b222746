//@ tensormap t = q dims [S] box [1]
//@ call f args(q, o)
// expect 1:5: `tensormap` is for the cuda target: the cpu has no tensor memory accelerator; pass the tensor itself in args(...)
