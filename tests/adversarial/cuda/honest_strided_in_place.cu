// expect: measured:
// spec: double_rows.spec
// In place, and past the gaps between rows: a grid-stride loop over the elements that count.
//@ launch twice grid(min(4 * SMS, ceil_div(R * C, 256))) block(256) args(m, R, C)

extern "C" __global__ void twice(float* m, int R, int C) {
  const long long count = (long long)R * C, step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
    float* at = m + i / C * (C + 5) + i % C;
    *at = ldexpf(*at, 1);
  }
}
