// expect: measured:
// Asks what the CPU can do and chooses.
//@ call row_sum args(x, s, R, C)

using Lanes [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  const bool wide = __builtin_cpu_supports("avx2");
  for (int r = 0; r < R; ++r) {
    Lanes lanes{};
    int c = 0;
    if (wide)
      for (; c + 8 <= C; c += 8) lanes += *reinterpret_cast<const Lanes*>(x + (long long)r * C + c);
    float sum = 0;
    for (; c < C; ++c) sum += x[(long long)r * C + c];
    for (int i = 0; i < 8; ++i) sum += lanes[i];
    s[r] = sum;
  }
}
