// expect: measured:
// spec: softmax_half.spec
// One pass for maximum and sum together: what was added before is corrected when the maximum grows.
//@ launch softmax grid(ceil_div(R, 4)) block(128) args(x, y, R, C)

struct State {
  float largest = -INFINITY, sum = 0;
  __device__ void Take(float other, float other_sum) {
    const float most = fmaxf(largest, other);
    if (most == -INFINITY) return;  // nothing on both sides
    sum = sum * expf(largest - most) + other_sum * expf(other - most);
    largest = most;
  }
};
extern "C" __global__ void softmax(const __half* x, __half* y, int R, int C) {
  const int row = blockIdx.x * 4 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const __half* in = x + (long long)row * C;
  State state;
  for (int c = lane; c < C; c += 32) state.Take(__half2float(in[c]), 1);
  for (int by = 16; by > 0; by /= 2) {
    const float largest = __shfl_xor_sync(0xffffffffu, state.largest, by);
    const float sum = __shfl_xor_sync(0xffffffffu, state.sum, by);
    state.Take(largest, sum);
  }
  for (int c = lane; c < C; c += 32)
    y[(long long)row * C + c] = __float2half_rn(expf(__half2float(in[c]) - state.largest) / state.sum);
}
