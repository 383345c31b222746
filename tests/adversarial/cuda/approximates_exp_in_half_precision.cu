// expect: mismatch: y\[
// spec: gauss.spec
// Uses the hardware's exponential of f16 numbers.
//@ launch gauss grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void gauss(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = __half2float(h2exp2(__float2half2_rn(-1.442695041f * x[i] * x[i])).x);
}
