//@ launch f grid(1) block(1) args(q, o)
// expect 1:5: `launch` is for the cuda target: the cpu has no kernels to launch; write `call FUNCTION args(...)`
