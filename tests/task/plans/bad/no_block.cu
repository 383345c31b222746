//@ launch f grid(1) args(q)
// expect 1:12: the launch has no `block`; add block(...)
