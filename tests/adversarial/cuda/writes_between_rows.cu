// expect: unsafe: between the rows of `m`
// spec: double_rows.spec
// Doubles every row and writes what lies between them.
//@ launch double_rows grid(R) block(256) args(m, R, C)

extern "C" __global__ void double_rows(float* m, int R, int C) {
  float* row = m + (long long)blockIdx.x * (C + 5);
  for (int c = threadIdx.x; c < C; c += 256) row[c] *= 2;
  if (blockIdx.x + 1 < R && threadIdx.x == 0) row[C] = 1;
}
