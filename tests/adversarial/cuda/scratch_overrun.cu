// expect: unsafe|crashed:
// Writes behind its scratch.
//@ scratch room f32 [R]
//@ launch row_sum grid(ceil_div(R, 128)) block(128) args(x, s, room, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, float* room, int R, int C) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= R) return;
  float sum = 0;
  for (int c = 0; c < C; ++c) sum += x[(long long)row * C + c];
  s[row] = sum;
  room[R + row] = sum;
}
