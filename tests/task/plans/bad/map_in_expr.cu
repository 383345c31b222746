//@ tensormap t = q dims [S] box [1]
//@ launch f grid(t) block(1)
// expect 2:19: `t` is a tensormap (line 1), not an integer that the plan can compute with
