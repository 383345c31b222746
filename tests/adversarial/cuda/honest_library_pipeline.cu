// expect: measured:
// CUDA's own pipeline: a block copies the next tile of its row while it adds this one.
//@ launch row_sum grid(R) block(64) args(x, s, C)

#include <cooperative_groups.h>

#include <cuda/pipeline>
constexpr int kTile = 256;
extern "C" __global__ void row_sum(const float* x, float* s, int C) {
#pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, 2> state;
  __shared__ float tile[2][kTile], part[64];
  const auto block = cooperative_groups::this_thread_block();
  auto pipe = cuda::make_pipeline(block, &state);
  const float* in = x + (long long)blockIdx.x * C;
  const int tiles = (C + kTile - 1) / kTile;
  float sum = 0;
  for (int done = 0, ahead = 0; done < tiles; ++done) {
    for (; ahead < tiles && ahead < done + 2; ++ahead) {
      pipe.producer_acquire();
      const int count = min(kTile, C - ahead * kTile);
      cuda::memcpy_async(block, tile[ahead % 2], in + ahead * kTile, sizeof(float) * count, pipe);
      pipe.producer_commit();
    }
    pipe.consumer_wait();
    for (int i = threadIdx.x; i < min(kTile, C - done * kTile); i += 64) sum += tile[done % 2][i];
    pipe.consumer_release();
  }
  part[threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.x > 0) return;
  float all = 0;
  for (int i = 0; i < 64; ++i) all += part[i];
  s[blockIdx.x] = all;
}
