// expect: measured:
// spec: matmul_small.spec
// The classic: tiles of 16 x 16 in shared memory, one element of the product for each thread.
//@ launch matmul grid(ceil_div(N, 16), ceil_div(M, 16)) block(16, 16) args(a, b, c, M, N, K)

extern "C" __global__ void matmul(const float* a, const float* b, float* c, int M, int N, int K) {
  __shared__ float tile_a[16][16], tile_b[16][17];
  const int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0;
  for (int begin = 0; begin < K; begin += 16) {
    const int ka = begin + threadIdx.x, kb = begin + threadIdx.y;
    tile_a[threadIdx.y][threadIdx.x] = row < M && ka < K ? a[(long long)row * K + ka] : 0.0f;
    tile_b[threadIdx.y][threadIdx.x] = column < N && kb < K ? b[(long long)kb * N + column] : 0.0f;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < 16; ++k) sum = fmaf(tile_a[threadIdx.y][k], tile_b[k][threadIdx.x], sum);
    __syncthreads();
  }
  if (row < M && column < N) c[(long long)row * N + column] = sum;
}
