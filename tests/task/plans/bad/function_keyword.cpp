//@ call new args(q)
// expect 1:10: `new` is a C++ keyword; choose another name
