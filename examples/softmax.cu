// Softmax over rows, each row in the registers of its team of threads, tunable.
//
// A row is read once and written once. In between, every thread keeps its elements in registers: the largest one, the
// exponentials and their sum need no memory but a few words that the warps of a team exchange.
//
//@ tune TEAM = 32 | 64 | 128 | 256       # threads that share a row: whole warps
//@ tune ROWS = 4 | 1 | 2 | 8             # rows of a block
//@ tune WIDTH = 4 | 1 | 2                # elements of an access, where the row length allows it
//@ tune STREAM = 0 | 1                   # 1: stores that ask the caches to give the lines up first
//@ where TEAM * ROWS >= 64 && TEAM * ROWS <= 1024
//@ where ceil_div(C, TEAM) <= 64         # what a thread can keep in registers
//@ launch softmax grid(ceil_div(R, ROWS)) block(TEAM * ROWS) args(x, y, R)

namespace {

// Rows begin at multiples of the vector only if the row length is one.
constexpr int kWidth = C % WIDTH == 0 ? WIDTH : C % 2 == 0 && WIDTH > 1 ? 2 : 1;
constexpr int kVectors = (C / kWidth + TEAM - 1) / TEAM;  // of a thread
constexpr int kWarps = TEAM / 32;                         // of a team

struct alignas(4 * kWidth) Vec {
  float at[kWidth];
};

__device__ inline float Infinity() { return __int_as_float(0x7f800000); }

struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};

struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// The values of all threads of a team as one. `shared` holds a word for every warp of the block and is used once.
template <class Combine>
__device__ inline float Reduce(float value, float* shared, Combine combine) {
#pragma unroll
  for (int lane = 16; lane > 0; lane /= 2) value = combine(value, __shfl_xor_sync(0xffffffff, value, lane));
  if (kWarps == 1) return value;
  const int warp = threadIdx.x / 32, first = warp / kWarps * kWarps;
  if (threadIdx.x % 32 == 0) shared[warp] = value;
  __syncthreads();
  value = shared[first];
#pragma unroll
  for (int i = 1; i < kWarps; ++i) value = combine(value, shared[first + i]);
  return value;
}

__device__ inline void Store(float* to, const Vec& value) {
  if constexpr (STREAM && kWidth == 4) {
    __stcs((float4*)to, make_float4(value.at[0], value.at[1], value.at[2], value.at[3]));
  } else if constexpr (STREAM && kWidth == 2) {
    __stcs((float2*)to, make_float2(value.at[0], value.at[1]));
  } else if constexpr (STREAM) {
    __stcs(to, value.at[0]);
  } else {
    *(Vec*)to = value;
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(TEAM* ROWS) softmax(const float* x, float* y, int R) {
  __shared__ float shared[2][ROWS * kWarps];
  const long long row = (long long)blockIdx.x * ROWS + threadIdx.x / TEAM;
  const int thread = threadIdx.x % TEAM;
  const bool used = row < R;  // a team without a row stays: the others wait for it at the barrier
  const float* in = x + row * C;
  float* out = y + row * C;

  Vec value[kVectors];
  float largest = -Infinity();
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
    const int c = (i * TEAM + thread) * kWidth;
    if (used && c < C) {
      value[i] = *(const Vec*)(in + c);
    } else {
#pragma unroll
      for (int w = 0; w < kWidth; ++w) value[i].at[w] = -Infinity();
    }
#pragma unroll
    for (int w = 0; w < kWidth; ++w) largest = fmaxf(largest, value[i].at[w]);
  }
  largest = Reduce(largest, shared[0], Max());

  float sum = 0;
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
#pragma unroll
    for (int w = 0; w < kWidth; ++w) {
      value[i].at[w] = expf(value[i].at[w] - largest);  // 0 behind the end of the row
      sum += value[i].at[w];
    }
  }
  sum = Reduce(sum, shared[1], Add());

  const float scale = 1 / sum;
#pragma unroll
  for (int i = 0; i < kVectors; ++i) {
    const int c = (i * TEAM + thread) * kWidth;
    if (!used || c >= C) continue;
#pragma unroll
    for (int w = 0; w < kWidth; ++w) value[i].at[w] *= scale;
    Store(out + c, value[i]);
  }
}
