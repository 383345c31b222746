//@ tune BM = 64 | 128
//@ tune STAGES = 2 | 3 | 4
//@ where BM * D * 2 * STAGES <= SMEM_BLOCK
//@ scratch partial f32 [B, H, S, 2]
//@ tensormap tq = q dims [B*H*S, D] box [BM, D] swizzle 128
//@ tensormap tp = partial type tf32 fill nan l2 256 step [1, 2] strides [2 * 4] box [1, 2] dims [B*H*S, 2]
//@ launch attn args(tq, tp, k, v, partial, scale, S) cluster(2, 1, 1) smem(BM * D * 2 * STAGES) block(128) grid(ceil_div(S, BM), B * H)
//@ launch merge for p in 0..BM / 2 grid(min(SMS * occupancy(attn), B * H), p + 1) block(D) cooperative pdl when(S > 1024) args(partial, o)
