// expect: measured:
// Partial sums in scratch, then their sum.
//@ scratch part f32 [R, 2]
//@ launch halves grid(ceil_div(2 * R, 128)) block(128) args(x, part, R, C)
//@ launch add grid(ceil_div(R, 128)) block(128) args(part, s, R)

extern "C" __global__ void halves(const float* x, float* part, int R, int C) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, row = i / 2;
  if (row >= R) return;
  float sum = 0;
  for (int c = i % 2; c < C; c += 2) sum += x[(long long)row * C + c];
  part[i] = sum;
}
extern "C" __global__ void add(float* part, float* s, int R) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row < R) s[row] = part[2 * row] + part[2 * row + 1];
}
