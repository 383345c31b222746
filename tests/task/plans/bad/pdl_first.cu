//@ zero o
//@ launch f grid(1) block(1) pdl args(q, o)
// expect 2:31: the first launch cannot have `pdl`: there is no kernel before it to overlap; remove `pdl` from this line
