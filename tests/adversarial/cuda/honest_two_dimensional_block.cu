// expect: measured:
// A block of 32 x 8 threads turns a tile of 32 rows round in shared memory, padded against bank conflicts.
//@ launch row_sum grid(1, ceil_div(R, 32)) block(32, 8) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ float tile[32][33], part[8][32];
  const int first = blockIdx.y * 32;
  float sum = 0;  // of row first + threadIdx.x, columns of this threadIdx.y
  for (int begin = 0; begin < C; begin += 32) {
    for (int r = threadIdx.y; r < 32; r += 8) {
      const int row = first + r, c = begin + threadIdx.x;
      tile[r][threadIdx.x] = row < R && c < C ? x[(long long)row * C + c] : 0.0f;
    }
    __syncthreads();
    for (int c = threadIdx.y; c < 32; c += 8) sum += tile[threadIdx.x][c];
    __syncthreads();
  }
  part[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y > 0 || first + threadIdx.x >= R) return;
  for (int i = 1; i < 8; ++i) sum += part[i][threadIdx.x];
  s[first + threadIdx.x] = sum;
}
