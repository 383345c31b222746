// expect: mismatch: y\[
// spec: gauss.spec
// A polynomial of three terms where the exponential is nearly 1.
//@ launch gauss grid(ceil_div(N, 256)) block(256) args(x, y, N)

extern "C" __global__ void gauss(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) {
    const float t = x[i] * x[i];
    y[i] = t < 0.1f ? 1 - t + t * t / 2 : expf(-t);
  }
}
