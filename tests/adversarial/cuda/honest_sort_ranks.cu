// expect: measured:
// spec: sort_rows.spec
// Every element counts those that come before it, and goes where that says: a scattered store, but no two to one place.
//@ launch sort grid(R) block(256) smem(4 * C) args(x, y, C)

extern "C" __global__ void sort(const float* x, float* y, int C) {
  extern __shared__ float v[];
  const long long row = (long long)blockIdx.x * C;
  for (int i = threadIdx.x; i < C; i += 256) v[i] = x[row + i];
  __syncthreads();
  for (int i = threadIdx.x; i < C; i += 256) {
    int before = 0;
    for (int j = 0; j < C; ++j) before += v[j] < v[i] || (v[j] == v[i] && j < i);
    y[row + before] = v[i];
  }
}
