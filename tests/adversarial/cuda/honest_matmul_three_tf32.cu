// expect: measured:
// spec: matmul_small.spec
// f32 on tf32 tensor cores: each factor is a tf32 number and a rest, three products instead of one. Sums of 8 products
// begin at zero and are added in f32, because tensor cores round sums towards zero.
//@ launch matmul grid(ceil_div(N, 64), ceil_div(M, 16)) block(128) args(a, b, c, M, N, K)

#include <mma.h>
using namespace nvcuda;
using Part = wmma::fragment<wmma::accumulator, 16, 16, 8, float>;
template <class Use>
using Factor = wmma::fragment<Use, 16, 16, 8, wmma::precision::tf32, wmma::row_major>;

template <class Use>
__device__ inline void Split(Factor<Use>& whole, Factor<Use>& rest) {
  for (int i = 0; i < whole.num_elements; ++i) {
    const float value = whole.x[i];
    whole.x[i] = wmma::__float_to_tf32(value);
    rest.x[i] = wmma::__float_to_tf32(value - whole.x[i]);
  }
}
extern "C" __global__ void matmul(const float* a, const float* b, float* c, int M, int N, int K) {
  __shared__ __align__(32) float room[4][256];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, row = blockIdx.y * 16;
  const int column = (blockIdx.x * 4 + warp) * 16;
  float *tile_a = room[warp], *tile_b = tile_a + 128;
  Factor<wmma::matrix_a> left, left_rest;
  Factor<wmma::matrix_b> right, right_rest;
  Part sum, small, large;
  wmma::fill_fragment(sum, 0.0f);
  for (int begin = 0; begin < K; begin += 8) {
    for (int i = lane; i < 128; i += 32) {
      const int r = row + i / 8, ka = begin + i % 8, kb = begin + i / 16, n = column + i % 16;
      tile_a[i] = r < M && ka < K ? a[(long long)r * K + ka] : 0.0f;
      tile_b[i] = n < N && kb < K ? b[(long long)kb * N + n] : 0.0f;
    }
    __syncwarp();
    wmma::load_matrix_sync(left, tile_a, 8);
    wmma::load_matrix_sync(right, tile_b, 16);
    Split(left, left_rest);
    Split(right, right_rest);
    wmma::fill_fragment(small, 0.0f);
    wmma::fill_fragment(large, 0.0f);
    wmma::mma_sync(small, left_rest, right, small);
    wmma::mma_sync(small, left, right_rest, small);
    wmma::mma_sync(large, left, right, large);
    for (int i = 0; i < sum.num_elements; ++i) sum.x[i] += large.x[i] + small.x[i];
    __syncwarp();
  }
  wmma::store_matrix_sync(room[warp], sum, 16, wmma::mem_row_major);
  __syncwarp();
  for (int i = lane; i < 256; i += 32) {
    const int r = row + i / 16, n = column + i % 16;
    if (r < M && n < N) c[(long long)r * N + n] = room[warp][i];
  }
}
