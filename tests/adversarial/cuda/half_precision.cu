// expect: mismatch: s\[
// Adds in half precision.
//@ launch row_sum grid(ceil_div(R, 128)) block(128) args(x, s, R, C)

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= R) return;
  __half sum = __float2half(0.0f);
  for (int c = 0; c < C; ++c) sum = __hadd(sum, __float2half(x[(long long)row * C + c]));
  s[row] = __half2float(sum);
}
