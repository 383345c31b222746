// Softmax over rows as a textbook writes it: a block for each row, three loops, sums and maxima by halves in shared
// memory. What the speedup of examples/softmax.spec is against.
//@ launch softmax grid(R) block(256) args(x, y)

namespace {

constexpr int kThreads = 256;

__device__ inline float Infinity() { return __int_as_float(0x7f800000); }

template <class Combine>
__device__ float Reduce(float value, float* shared, Combine combine) {
  __syncthreads();
  shared[threadIdx.x] = value;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) shared[threadIdx.x] = combine(shared[threadIdx.x], shared[threadIdx.x + half]);
  }
  __syncthreads();
  return shared[0];
}

}  // namespace

extern "C" __global__ void softmax(const float* x, float* y) {
  __shared__ float shared[kThreads];
  const float* in = x + (long long)blockIdx.x * C;
  float* out = y + (long long)blockIdx.x * C;
  float largest = -Infinity();
  for (int c = threadIdx.x; c < C; c += kThreads) largest = fmaxf(largest, in[c]);
  largest = Reduce(largest, shared, [](float a, float b) { return fmaxf(a, b); });
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += kThreads) {
    out[c] = expf(in[c] - largest);
    sum += out[c];
  }
  sum = Reduce(sum, shared, [](float a, float b) { return a + b; });
  for (int c = threadIdx.x; c < C; c += kThreads) out[c] /= sum;
}
