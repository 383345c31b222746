// Every statement that the cpu target has.
//@ tune BM = 64 | 128 | -1                   # integers; the first is the default
//@ tune SPLITS = 2 * 2 | 1
//@ where BM > 0 && S >= BM
//@ scratch partial f32 [B, H, S, SPLITS * 2]
//@ scratch counter i32 [1]
//@
//@ # a comment alone
//@ zero counter
//@ zero o
//@call attn args(q, k, v, partial, scale, S, i64(B * H * S * D), p, counter) for p in 0..min(SPLITS, THREADS) when(S > 64 || p == 0)
//@ call merge when(S > 1024) args(partial, o, state)

extern "C" void attn() {}
