// expect: measured:
// spec: dct8.spec
// Fewer products: sums of mirrored elements make the even results, differences the odd ones; a row in registers.
//@ launch dct grid(ceil_div(R, 128)) block(128) args(x, y, R)

struct alignas(16) Row {
  float at[8];
};
__device__ constexpr float kCos[8] = {1.0f,        0.98078528f, 0.92387953f, 0.83146961f,
                                      0.70710678f, 0.55557023f, 0.38268343f, 0.19509032f};
// cos(pi n / 16), folded into the first quarter of the circle.
__device__ inline float Cosine(int n) {
  n = n % 32 > 16 ? 32 - n % 32 : n % 32;
  return n == 8 ? 0.0f : n < 8 ? kCos[n] : -kCos[16 - n];
}
extern "C" __global__ void dct(const float* x, float* y, int R) {
  const int row = blockIdx.x * 128 + threadIdx.x;
  if (row >= R) return;
  const Row in = ((const Row*)x)[row];
  Row out;
#pragma unroll
  for (int k = 0; k < 8; ++k) {
    float sum = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const float both = k % 2 == 0 ? in.at[j] + in.at[7 - j] : in.at[j] - in.at[7 - j];
      sum = fmaf(both, Cosine((2 * j + 1) * k), sum);
    }
    out.at[k] = sum;
  }
  ((Row*)y)[row] = out;
}
