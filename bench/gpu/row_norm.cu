// A warp for each row, which stays in registers.
//@ launch row_norm grid(ceil_div(R, 8)) block(256) args(x, r, y, R)

static_assert(C % 128 == 0, "a lane takes 16 bytes at a time");

__device__ inline float all(float sum) {
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  return sum;
}

extern "C" __global__ void row_norm(const float* x, const float* r, float* y, int R) {
  constexpr int steps = C / 128;
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float4* a = reinterpret_cast<const float4*>(x + (long long)row * C) + lane;
  const float4* b = reinterpret_cast<const float4*>(r + (long long)row * C) + lane;
  float4 held[steps];
#pragma unroll
  for (int k = 0; k < steps; ++k) {
    const float4 p = __ldcs(a + 32 * k), q = __ldcs(b + 32 * k);
    held[k] = make_float4(p.x + q.x, p.y + q.y, p.z + q.z, p.w + q.w);
  }
  float sum = 0;
#pragma unroll
  for (int k = 0; k < steps; ++k) sum += held[k].x + held[k].y + held[k].z + held[k].w;
  const float mean = all(sum) / C;
  float squares = 0;
#pragma unroll
  for (int k = 0; k < steps; ++k) {
    float4& v = held[k];
    v = make_float4(v.x - mean, v.y - mean, v.z - mean, v.w - mean);
    squares += v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
  }
  const float scale = rsqrtf(all(squares) / C + 1e-5f);
  float4* to = reinterpret_cast<float4*>(y + (long long)row * C) + lane;
#pragma unroll
  for (int k = 0; k < steps; ++k) {
    const float4 v = held[k];
    __stcs(to + 32 * k, make_float4(v.x * scale, v.y * scale, v.z * scale, v.w * scale));
  }
}
