//@ call f args(q, o)
//@ tune A = 1 # one \  
// expect 2:22: a plan line may not end with a backslash: the compiler would take the next line as a part of it (at `\`); write the whole plan line on one line
