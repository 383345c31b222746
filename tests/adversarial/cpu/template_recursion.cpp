// expect: compile_error:
// A template that needs itself.
//@ call row_sum args(x, s, R, C)

template <int n>
struct Next {
  static constexpr int value = Next<n + 1>::value;
};

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  s[0] = Next<0>::value;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
