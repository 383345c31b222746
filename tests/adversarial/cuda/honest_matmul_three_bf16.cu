// expect: measured:
// spec: matmul_small.spec
// f32 on bf16 tensor cores: three bf16 numbers are an f32 number; of their nine products the six that count.
//@ launch matmul grid(ceil_div(N, 16), ceil_div(M, 16)) block(32) args(a, b, c, M, N, K)

#include <mma.h>
using namespace nvcuda;
__device__ inline void Split(float value, __nv_bfloat16 (*to)[256], int at) {
  for (int i = 0; i < 3; ++i) {
    to[i][at] = __float2bfloat16_rn(value);
    value -= __bfloat162float(to[i][at]);
  }
}
extern "C" __global__ void matmul(const float* a, const float* b, float* c, int M, int N, int K) {
  __shared__ __align__(32) __nv_bfloat16 tile_a[3][256], tile_b[3][256];
  __shared__ __align__(32) float result[256];
  const int row = blockIdx.y * 16, column = blockIdx.x * 16;
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __nv_bfloat16, wmma::row_major> left[3];
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __nv_bfloat16, wmma::row_major> right[3];
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum, small, large;
  wmma::fill_fragment(sum, 0.0f);
  for (int begin = 0; begin < K; begin += 16) {
    for (int i = threadIdx.x; i < 256; i += 32) {
      const int y = i / 16, x = i % 16;
      Split(row + y < M && begin + x < K ? a[(long long)(row + y) * K + begin + x] : 0.0f, tile_a, i);
      Split(begin + y < K && column + x < N ? b[(long long)(begin + y) * N + column + x] : 0.0f, tile_b, i);
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < 3; ++i) {
      wmma::load_matrix_sync(left[i], tile_a[i], 16);
      wmma::load_matrix_sync(right[i], tile_b[i], 16);
    }
    wmma::fill_fragment(small, 0.0f);
    wmma::fill_fragment(large, 0.0f);
    // The smallest first. The largest are summed apart, and both in f32: tensor cores round sums towards zero.
#pragma unroll
    for (int order = 2; order > 0; --order) {
#pragma unroll
      for (int i = 0; i <= order; ++i) wmma::mma_sync(small, left[i], right[order - i], small);
    }
    wmma::mma_sync(large, left[0], right[0], large);
    for (int i = 0; i < sum.num_elements; ++i) sum.x[i] += large.x[i] + small.x[i];
    __syncwarp();
  }
  wmma::store_matrix_sync(result, sum, 16, wmma::mem_row_major);
  __syncwarp();
  for (int i = threadIdx.x; i < 256; i += 32)
    if (row + i / 16 < M && column + i % 16 < N) c[(long long)(row + i / 16) * N + column + i % 16] = result[i];
}
