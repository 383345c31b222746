// expect: measured:
// spec: reverse.spec
// Every thread swaps two elements of the tensor that it was given; the one in the middle stays.
//@ launch reverse grid(ceil_div(C / 2, 128), R) block(128) args(m, C)

extern "C" __global__ void reverse(float* m, int C) {
  const int c = blockIdx.x * 128 + threadIdx.x;
  if (c >= C / 2) return;
  float *left = m + (long long)blockIdx.y * C + c, *right = m + (long long)blockIdx.y * C + (C - 1 - c);
  const float kept = *left;
  *left = *right;
  *right = kept;
}
