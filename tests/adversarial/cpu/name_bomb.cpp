// expect: compile_error|timeout|measured:
// Names that double with each step, in messages and symbols.
//@ call row_sum args(x, s, R, C)

template <class A, class B>
struct Pair {};
template <int n>
struct Long {
  using Type = Pair<typename Long<n - 1>::Type, typename Long<n - 1>::Type>;
};
template <>
struct Long<0> {
  using Type = int;
};
static int length = Long<40>::Type::missing;

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
