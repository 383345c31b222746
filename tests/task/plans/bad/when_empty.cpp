//@ call f args(q) when()
// expect 1:24: `when` takes one expression, not 0
