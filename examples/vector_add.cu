// The sum of two vectors, four elements an access, tunable.
//
// A thread loads UNROLL vectors of each input before it adds the first, so that enough bytes are on the way to hide the
// memory's latency. Whole blocks take a path without bounds; only the last one looks where the vectors end.
//
//@ tune BLOCK = 256 | 128 | 512 | 1024   # threads of a block
//@ tune UNROLL = 2 | 1 | 4 | 8           # vectors in flight for each input and thread
//@ tune STREAM = 0 | 1                   # 1: loads and stores that ask the caches to give the lines up first
//@ launch vector_add grid(ceil_div(N, 4 * BLOCK * UNROLL)) block(BLOCK) args(a, b, c, i64(N))

namespace {

constexpr int kTile = 4 * BLOCK * UNROLL;  // elements of a block

__device__ inline float4 Load(const float4* from) { return STREAM ? __ldcs(from) : __ldg(from); }

__device__ inline void Store(float4* to, float4 value) {
  if (STREAM) {
    __stcs(to, value);
  } else {
    *to = value;
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK)
    vector_add(const float* __restrict__ a, const float* __restrict__ b, float* __restrict__ c, long long n) {
  const long long first = (long long)blockIdx.x * kTile;
  const long long left = n - first;
  // A spec may promise less than 16 bytes of alignment (`align`); then elements go one by one.
  const bool vectors = ((unsigned long long)a | (unsigned long long)b | (unsigned long long)c) % 16 == 0;
  if (vectors && left >= kTile) {
    const float4* from_a = (const float4*)(a + first) + threadIdx.x;
    const float4* from_b = (const float4*)(b + first) + threadIdx.x;
    float4* to = (float4*)(c + first) + threadIdx.x;
    float4 x[UNROLL], y[UNROLL];
#pragma unroll
    for (int u = 0; u < UNROLL; ++u) {
      x[u] = Load(from_a + u * BLOCK);
      y[u] = Load(from_b + u * BLOCK);
    }
#pragma unroll
    for (int u = 0; u < UNROLL; ++u) {
      Store(to + u * BLOCK, make_float4(x[u].x + y[u].x, x[u].y + y[u].y, x[u].z + y[u].z, x[u].w + y[u].w));
    }
  } else {
    const int count = (int)(left < kTile ? left : kTile);
    for (int i = threadIdx.x; i < count; i += BLOCK) c[first + i] = a[first + i] + b[first + i];
  }
}
