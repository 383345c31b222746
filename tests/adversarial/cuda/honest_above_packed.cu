// expect: measured:
// spec: above.spec
// Four bools in one store where rows begin at multiples of four; integer sums by the warp's own reduction and an
// atomic.
//@ zero total
//@ launch above grid(ceil_div(C, 512), R) block(128) args(x, limit, mask, total, C)

extern "C" __global__ void above(const float* x, const float* limit, bool* mask, int* total, int C) {
  const long long row = blockIdx.y;
  const int first = (blockIdx.x * 128 + threadIdx.x) * 4;
  const float most = limit[row];
  unsigned packed = 0;
  for (int i = 0; i < 4; ++i)
    if (first + i < C && x[row * C + first + i] > most) packed |= 1u << 8 * i;
  if (C % 4 == 0 && first < C) {
    *(unsigned*)(mask + row * C + first) = packed;
  } else {
    for (int i = 0; i < 4; ++i)
      if (first + i < C) mask[row * C + first + i] = packed >> 8 * i & 1;
  }
  const int sum = __reduce_add_sync(0xffffffffu, __popc(packed));
  if (threadIdx.x % 32 == 0 && sum > 0) atomicAdd(&total[row], sum);
}
