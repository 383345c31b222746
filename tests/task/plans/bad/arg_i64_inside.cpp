//@ call f args(q, i64(S) + 1)
// expect 1:20: `i64(...)` marks a whole argument of args(...), not a part of an expression
