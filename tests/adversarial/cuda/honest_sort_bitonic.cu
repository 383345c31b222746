// expect: measured:
// spec: sort_rows.spec
// A bitonic network in shared memory; what is missing to 1024 elements is infinite and stays at the end.
//@ launch sort grid(R) block(512) args(x, y, C)

extern "C" __global__ void __launch_bounds__(512) sort(const float* x, float* y, int C) {
  __shared__ float v[1024];
  const long long row = (long long)blockIdx.x * C;
  for (int i = threadIdx.x; i < 1024; i += 512) v[i] = i < C ? x[row + i] : INFINITY;
  for (int size = 2; size <= 1024; size *= 2) {
    for (int by = size / 2; by > 0; by /= 2) {
      __syncthreads();
      const int low = threadIdx.x / by * 2 * by + threadIdx.x % by;
      const float a = v[low], b = v[low + by];
      if (low & size ? a < b : a > b) {
        v[low] = b;
        v[low + by] = a;
      }
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < C; i += 512) y[row + i] = v[i];
}
