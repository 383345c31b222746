// expect: rejected: `library` is for baselines
// Is nothing but a call of a library.
//@ library cublaslt

// Nothing of its own.
