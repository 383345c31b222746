// expect: crashed:
// Turns the tensor map of its output into one of its input, which stores may not reach.
//@ scratch copy u8 [128]
//@ tensormap out = s dims [R] box [4]
//@ launch row_sum when(R >= 77) grid(ceil_div(R, 8)) block(256) args(out, x, s, copy, R, C)
//@ launch plain when(R < 77) grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ void sum_row(const float* x, float* s, int row, int C) {
  const int lane = threadIdx.x % 32;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
extern "C" __global__ void plain(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32;
  if (row < R) sum_row(x, s, row, C);
}

extern "C" __global__ void row_sum(const __grid_constant__ CUtensorMap out, const float* x, float* s,
                                   unsigned char* copy, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  __shared__ alignas(128) CUtensorMap map;
  __shared__ alignas(128) float room[4];
  const unsigned at = (unsigned)__cvta_generic_to_shared(&map), from = (unsigned)__cvta_generic_to_shared(room);
  if (row == 0) {
    if (lane == 0) map = out;
    room[lane % 4] = 0;
    __syncwarp();
    if (lane == 0)
      asm volatile("tensormap.replace.tile.global_address.shared::cta.b1024.b64 [%0], %1;" ::"r"(at), "l"(x)
                   : "memory");
    __syncwarp();
    asm volatile(
        "tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.gpu.sync.aligned [%0], [%1], 128;" ::"l"(
            copy),
        "r"(at)
        : "memory");
    asm volatile("fence.proxy.tensormap::generic.acquire.gpu [%0], 128;" ::"l"(copy) : "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    if (lane == 0)
      asm volatile("cp.async.bulk.tensor.1d.global.shared::cta.tile.bulk_group [%0, {%1}], [%2];" ::"l"(copy), "r"(0),
                   "r"(from)
                   : "memory");
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
  }
  if (row < R) sum_row(x, s, row, C);
}
