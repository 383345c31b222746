// expect: measured:
// spec: dct8.spec
// A table of cosines that the compiler computes, in constant memory; one thread for each result.
//@ launch dct grid(ceil_div(R, 32)) block(8, 32) args(x, y, R)

struct Table {
  float at[8][8];
};
constexpr double Cosine(double angle) {
  double sum = 0, term = 1;
  for (int i = 1; i < 24; ++i) {
    sum += term;
    term *= -angle * angle / ((2 * i - 1) * (2 * i));
  }
  return sum;
}
constexpr Table MakeTable() {
  Table table{};
  for (int k = 0; k < 8; ++k)
    for (int j = 0; j < 8; ++j) table.at[k][j] = (float)Cosine(M_PI * ((2 * j + 1) * k % 32) / 16);
  return table;
}
constexpr Table kMade = MakeTable();
__constant__ Table kTable = kMade;

extern "C" __global__ void dct(const float* x, float* y, int R) {
  const long long row = blockIdx.x * 32 + threadIdx.y;
  if (row >= R) return;
  float sum = 0;
  for (int j = 0; j < 8; ++j) sum += x[row * 8 + j] * kTable.at[threadIdx.x][j];
  y[row * 8 + threadIdx.x] = sum;
}
