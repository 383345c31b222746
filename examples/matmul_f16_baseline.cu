// The product of two matrices as a textbook writes it: a block for each tile of 32 x 32, both factors' tiles in shared
// memory, one sum in f32 for each thread. No matrix units. What the speedup of examples/matmul_f16.spec and of
// examples/matmul_wgmma.spec is against.
//@ launch matmul grid(ceil_div(N, 32), ceil_div(M, 32)) block(32, 32) args(a, b, c, M, N, K)

extern "C" __global__ void matmul(const __half* a, const __half* b, __half* c, int M, int N, int K) {
  __shared__ __half tile_a[32][32], tile_b[32][32];
  const int x = threadIdx.x, y = threadIdx.y;
  const int row = blockIdx.y * 32 + y, column = blockIdx.x * 32 + x;
  float sum = 0;
  for (int first = 0; first < K; first += 32) {
    const bool in_a = row < M && first + x < K, in_b = first + y < K && column < N;
    tile_a[y][x] = in_a ? a[(long long)row * K + first + x] : __float2half(0);
    tile_b[y][x] = in_b ? b[(long long)(first + y) * N + column] : __float2half(0);
    __syncthreads();
    for (int k = 0; k < 32; ++k) sum += __half2float(tile_a[y][k]) * __half2float(tile_b[k][x]);
    __syncthreads();
  }
  if (row < M && column < N) c[(long long)row * N + column] = __float2half(sum);
}
