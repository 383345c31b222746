// expect: rejected: optimize
// Pastes the attribute's name from two halves.
//@ call row_sum args(x, s, R, C)

#define PASTE(a, b) a##b
#define HALVES(a, b) PASTE(a, b)
__attribute__((HALVES(opti, mize)("Ofast"))) extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
