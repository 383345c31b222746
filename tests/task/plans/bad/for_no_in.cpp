//@ call f for p of 0..4 args(q)
// expect 1:18: `in` is expected here, not `of` (at `for`); write `for p in a..b`
