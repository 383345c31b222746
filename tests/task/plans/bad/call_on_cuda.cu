//@ call f args(q, o)
// expect 1:5: `call` is for the cpu target: on cuda only kernels run; write `launch KERNEL grid(...) block(...) args(...)`
