// expect: measured:
// spec: wave.spec
// Angles reduced in f64 with pi / 2 in two parts, then polynomials.
//@ launch wave grid(ceil_div(N, 256)) block(256) args(x, y, N)

__device__ constexpr double kFactorial[] = {1,    1,     2,      6,       24,       120,       720,
                                            5040, 40320, 362880, 3628800, 39916800, 479001600, 6227020800.0};
// The terms of the powers first, first + 2, ... of exp(r) with alternating signs.
template <int first>
__device__ inline double Series(double r) {
  double sum = 0;
#pragma unroll
  for (int power = 12 + first; power >= 0; power -= 2) sum = 1 / kFactorial[power] - r * r * sum;
  return first == 0 ? sum : r * sum;
}
extern "C" __global__ void wave(const float* x, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= N) return;
  const double angle = x[i], quarters = rint(angle * 0.63661977236758134308);
  double r = fma(quarters, -1.57079632679489655800, angle);
  r = fma(quarters, -6.12323399573676603587e-17, r);
  const long long quarter = (long long)quarters & 3;
  const double value = quarter % 2 == 0 ? Series<1>(r) : Series<0>(r);
  y[i] = (float)(quarter >= 2 ? -value : value);
}
