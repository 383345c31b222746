// expect: mismatch: s\[
// Adds into scratch as if it were zeros, as fresh memory often is.
//@ scratch sums f32 [R]
//@ launch add grid(4, R) block(32) args(x, sums, R, C)
//@ launch copy grid(ceil_div(R, 256)) block(256) args(sums, s, R)

extern "C" __global__ void add(const float* x, float* sums, int R, int C) {
  float sum = 0;
  for (int c = blockIdx.x * 32 + threadIdx.x; c < C; c += 128) sum += x[(long long)blockIdx.y * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (threadIdx.x == 0) atomicAdd(sums + blockIdx.y, sum);
}
extern "C" __global__ void copy(float* sums, float* s, int R) {
  const int row = blockIdx.x * 256 + threadIdx.x;
  if (row < R) s[row] = sums[row];
}
