//@ launch f block(1) args(q)
// expect 1:12: the launch has no `grid`; add grid(...)
