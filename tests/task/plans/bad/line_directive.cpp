//@ call f args(q, o)
int x;
  #  line 7 "a.cpp"
// expect 3:3: `#line` would change the file and line that messages name; remove it
