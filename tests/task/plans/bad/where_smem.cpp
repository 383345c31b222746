//@ where S <= SMEM_BLOCK
//@ call f args(q, o)
// expect 1:16: `SMEM_BLOCK` is for the cuda target; the cpu target has THREADS
