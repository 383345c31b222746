// expect: measured:
// spec: matmul_half.spec
// f16 on tensor cores with wmma: four warps share a tile of 32 x 32, which is filled up with zeros at the edges.
//@ launch matmul grid(ceil_div(N, 32), ceil_div(M, 32)) block(128) args(a, b, c, M, N, K)

#include <mma.h>
using namespace nvcuda;
extern "C" __global__ void matmul(const __half* a, const __half* b, float* c, int M, int N, int K) {
  __shared__ __align__(32) __half tile_a[32][16], tile_b[16][32];
  __shared__ __align__(32) float result[32][32];
  const int warp = threadIdx.x / 32, row = blockIdx.y * 32, column = blockIdx.x * 32;
  const int y = warp / 2 * 16, x = warp % 2 * 16;  // this warp's part
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> left;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::row_major> right;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;
  wmma::fill_fragment(sum, 0.0f);
  const __half zero = __float2half(0.0f);
  for (int begin = 0; begin < K; begin += 16) {
    for (int i = threadIdx.x; i < 512; i += 128) {
      const int r = row + i / 16, ka = begin + i % 16, kb = begin + i / 32, n = column + i % 32;
      tile_a[i / 16][i % 16] = r < M && ka < K ? a[(long long)r * K + ka] : zero;
      tile_b[i / 32][i % 32] = kb < K && n < N ? b[(long long)kb * N + n] : zero;
    }
    __syncthreads();
    wmma::load_matrix_sync(left, &tile_a[y][0], 16);
    wmma::load_matrix_sync(right, &tile_b[0][x], 32);
    wmma::mma_sync(sum, left, right, sum);
    __syncthreads();
  }
  wmma::store_matrix_sync(&result[y][x], sum, 32, wmma::mem_row_major);
  __syncthreads();
  for (int i = threadIdx.x; i < 1024; i += 128) {
    const int r = row + i / 32, n = column + i % 32;
    if (r < M && n < N) c[(long long)r * N + n] = result[i / 32][i % 32];
  }
}
