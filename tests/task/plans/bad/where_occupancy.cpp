//@ where occupancy(f) > 2
//@ call f args(q, o)
// expect 1:11: `occupancy` is for the cuda target: it counts the blocks of a kernel that fit an SM; on cpu use THREADS
