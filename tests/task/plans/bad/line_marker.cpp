//@ call f args(q, o)
# 7 "a.cpp"
// expect 2:1: `# NUMBER` would change the file and line that messages name (at `#line`); remove it
