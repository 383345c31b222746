//@ where occupancy > 1
//@ launch f grid(1) block(1) args(q, o)
// expect 1:11: `occupancy` is a function of a kernel; write occupancy(KERNEL)
