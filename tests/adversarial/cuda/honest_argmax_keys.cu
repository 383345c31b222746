// expect: measured:
// spec: argmax.spec
// Value and place in one integer of 64 bits that is larger the better they are, and atomic maxima of it.
//@ scratch top u64 [R]
//@ zero top
//@ launch parts grid(ceil_div(C, 256), R) block(64) args(x, top, C)
//@ launch places grid(ceil_div(R, 128)) block(128) args(top, best, R)

typedef unsigned long long Key;
__device__ inline Key KeyOf(float value, int place) {
  const unsigned bits = __float_as_uint(value + 0.0f);  // no negative zero
  const unsigned ordered = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (Key)ordered << 32 | (0xffffffffu - place);
}
extern "C" __global__ void parts(const float* x, Key* top, int C) {
  const int row = blockIdx.y, first = blockIdx.x * 256, end = min(first + 256, C);
  Key mine = 0;
  for (int c = first + threadIdx.x; c < end; c += 64) mine = max(mine, KeyOf(x[(long long)row * C + c], c));
  for (int by = 16; by > 0; by /= 2) mine = max(mine, __shfl_xor_sync(0xffffffffu, mine, by));
  if (threadIdx.x % 32 == 0) atomicMax(&top[row], mine);
}
extern "C" __global__ void places(Key* top, int* best, int R) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  if (row < R) best[row] = (int)(0xffffffffu - (unsigned)top[row]);
}
