// expect: measured:
// Prints one line in the first call, by a stream.
//@ call row_sum args(x, s, R, C)

#include <iostream>

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  static int calls = 0;
  if (calls++ == 0) std::cerr << "rows " << R << std::endl;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
