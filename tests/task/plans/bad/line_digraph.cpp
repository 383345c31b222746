//@ call f args(q, o)
/* a */ %: \
  line 7
// expect 2:9: `#line` would change the file and line that messages name; remove it
