// expect: measured:
// Sums on tensor cores: each element is the sum of three tf32 numbers, which are multiplied by ones. Every 8 columns
// begin at zero and are added in f32, because tensor cores round sums towards zero.
//@ launch row_sum grid(ceil_div(R, 16)) block(32) args(x, s, R, C)

#include <mma.h>
using namespace nvcuda;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  __shared__ __align__(32) float tile[16 * 8], result[16 * 16];
  const int first = blockIdx.x * 16, lane = threadIdx.x;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::row_major> ones;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> part, sum;
  wmma::fill_fragment(ones, 1.0f);
  wmma::fill_fragment(sum, 0.0f);
  for (int begin = 0; begin < C; begin += 8) {
    for (int i = lane; i < 128; i += 32) {
      const int row = first + i / 8, c = begin + i % 8;
      tile[i] = row < R && c < C ? x[(long long)row * C + c] : 0.0f;
    }
    __syncwarp();
    wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> split[3];
    wmma::load_matrix_sync(split[0], tile, 8);
    for (int i = 0; i < split[0].num_elements; ++i) {
      float rest = split[0].x[i];
      for (auto& piece : split) {
        piece.x[i] = wmma::__float_to_tf32(rest);
        rest -= piece.x[i];
      }
    }
    wmma::fill_fragment(part, 0.0f);
    for (int i = 2; i >= 0; --i) wmma::mma_sync(part, split[i], ones, part);
    for (int i = 0; i < sum.num_elements; ++i) sum.x[i] += part.x[i];
    __syncwarp();
  }
  wmma::store_matrix_sync(result, sum, 16, wmma::mem_row_major);
  __syncwarp();
  if (lane < 16 && first + lane < R) s[first + lane] = result[lane * 16];
}
