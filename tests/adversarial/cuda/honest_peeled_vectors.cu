// expect: measured:
// A warp for each row: single elements up to the first multiple of 16 bytes, vectors from there, single ones at the
// end.
//@ launch row_sum grid(ceil_div(R, 8)) block(32, 8) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.y, lane = threadIdx.x;
  if (row >= R) return;
  const float* in = x + (long long)row * C;
  const int to_vector = (int)((4 - (unsigned long long)in / 4 % 4) % 4);
  const int head = to_vector < C ? to_vector : C, vectors = (C - head) / 4, tail = head + vectors * 4;
  float sum = lane < head ? in[lane] : 0;
  const float4* from = (const float4*)(in + head);
  for (int v = lane; v < vectors; v += 32) {
    const float4 four = from[v];
    sum += four.x + four.y + four.z + four.w;
  }
  if (tail + lane < C) sum += in[tail + lane];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, by);
  if (lane == 0) s[row] = sum;
}
