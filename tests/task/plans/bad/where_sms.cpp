//@ where S > SMS * 2
//@ call f args(q, o)
// expect 1:15: `SMS` is for the cuda target; the cpu target has THREADS
