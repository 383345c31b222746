//@ launch f grid(1) blok(1)
// expect 1:22: unknown clause `blok`; did you mean `block`?
