//@ where occupancy(g) > 1
//@ launch f grid(1) block(1) args(q, o)
// expect 1:11: `occupancy` takes one kernel that the plan launches, not `g`; it can be `f`
