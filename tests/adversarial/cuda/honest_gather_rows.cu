// expect: measured:
// spec: gather_rows.spec
// A warp reads the place once and hands it round; vectors where rows begin at multiples of 16 bytes.
//@ launch gather grid(ceil_div(R, 4)) block(128) args(table, place, y, R, C)

extern "C" __global__ void gather(const float* table, const int* place, float* y, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  int from = 0;
  if (lane == 0) from = __ldg(place + row);
  from = __shfl_sync(0xffffffffu, from, 0);
  const float* in = table + (long long)from * C;
  float* out = y + (long long)row * C;
  if (C % 4 == 0) {
    for (int v = lane; v < C / 4; v += 32) __stcs((float4*)out + v, __ldg((const float4*)in + v));
  } else {
    for (int c = lane; c < C; c += 32) __stcs(out + c, __ldg(in + c));
  }
}
