// Sums of rows: SPLIT blocks share a row, then a thread adds the parts of a row.
//@ tune BLOCK = 256 | 128 | 512      # threads of a block
//@ tune SPLIT = 4 | 1 | 16           # blocks that share a row
//@ where BLOCK * SPLIT <= align(C, 1024)
//@ scratch partial f32 [R, SPLIT]
//@ launch sum_parts grid(R, SPLIT) block(BLOCK) args(x, partial)
//@ launch add_parts grid(ceil_div(R, 128)) block(128) args(partial, y, R)

extern "C" __global__ void __launch_bounds__(BLOCK) sum_parts(const x_t* x, partial_t* partial) {
  __shared__ float warp_sums[BLOCK / 32];
  const long long row = blockIdx.x;
  float sum = 0;
  for (int c = blockIdx.y * BLOCK + threadIdx.x; c < C; c += SPLIT * BLOCK) sum += x[row * C + c];
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(0xffffffff, sum, lane);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < BLOCK / 32; ++warp) sum += warp_sums[warp];
    partial[row * SPLIT + blockIdx.y] = sum;
  }
}

extern "C" __global__ void add_parts(partial_t* partial, y_t* y, int R) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  if (row >= R) return;
  float sum = 0;
  for (int part = 0; part < SPLIT; ++part) sum += partial[(long long)row * SPLIT + part];
  y[row] = sum;
}
