//@ where S > THREADS
//@ launch f grid(1) block(1) args(q, o)
// expect 1:15: `THREADS` is for the cpu target; the cuda target has SMS, SMEM_BLOCK
