//@ call f args(q, o) \
int x;
// expect 1:23: a plan line may not end with a backslash: the compiler would take the next line as a part of it (at `\`); write the whole plan line on one line
