//@ tune A = 1
// expect 1:1: the plan has no `launch` line; add a line `//@ launch KERNEL grid(...) block(...) args(...)`
