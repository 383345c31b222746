//@ where 1 < S < 4
//@ call f args(q, o)
// expect 1:17: comparisons do not chain (at `<`); write `a < b && b < c`
