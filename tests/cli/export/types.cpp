// SLOW = 1 does everything many times: the default, which is also the baseline, is easily beaten. THREADS is compiled in.
//@ tune SLOW = 1 | 0
//@ scratch part i64 [THREADS, R]
//@ scratch copy bf16 [R, C]
//@ call copy_rows args(order, xb, copy, R)
//@ call scale for p in 0..(SLOW ? 40 : 1) args(order, x64, x32, x16, copy, x4, x5, factor, twice, precise, y64, y32, y16, yb, y4, y5, R)
//@ call counts args(order, u64, i8, flag, x32, x4, count, part, step, most, negate, yu, yi, yflag, root, any_place, spare, R)

extern "C" void copy_rows(const int* order, const xb_t* xb, copy_t* copy, int R) {
  for (int r = 0; r < R; ++r) std::memcpy(copy + r * C, xb + (long long)order[r] * C, C * sizeof(copy_t));
}

extern "C" void scale(const int* order, const double* x64, const float* x32, const _Float16* x16, kopt_bf16* copy,
                      const kopt_e4m3* x4, const kopt_e5m2* x5, kopt_bf16 factor, _Float16 twice, double precise,
                      double* y64, float* y32, _Float16* y16, kopt_bf16* yb, kopt_e4m3* y4, kopt_e5m2* y5, int R) {
#pragma omp parallel for
  for (int r = 0; r < R; ++r) {
    const int s = order[r];
    for (int c = 0; c < C; ++c) {
      y64[r * C + c] = x64[s * C + c] * precise;
      y32[r + c * (R + 1)] = x32[s * (C + 3) + c] * (float)factor;
      y16[r * C + c] = (_Float16)((float)x16[s * C + c] * (float)twice);
      yb[r * C + c] = (float)copy[r * C + c] * (float)factor;
      y4[r * C + c] = (float)x4[s * C + c] * (float)twice;
      y5[r * C + c] = (float)x5[s * C + c] * (float)factor;
    }
  }
}

extern "C" void counts(const int* order, const unsigned long long* u64, const signed char* i8, const bool* flag,
                       const float* x32, const kopt_e4m3* x4, long long* count, long long* part, long long step,
                       unsigned long long most, bool negate, unsigned long long* yu, short* yi, bool* yflag,
                       float* root, int* any_place, signed char* spare, int R) {
  for (int t = 0; t < THREADS; ++t)
    for (int r = 0; r < R; ++r) part[t * R + r] = t == 0 ? step : 0;
  for (int r = 0; r < R; ++r) {
    const int s = order[r];
    for (int t = 0; t < THREADS; ++t) count[r] += part[t * R + r];
    yu[r] = u64[s] + most;
    yi[r] = negate ? -i8[s] : i8[s];
    yflag[r] = flag[s] != negate;
    root[r] = std::sqrt(x32[s * (C + 3)]);
    int best = 0;
    for (int c = 0; c < C; ++c)
      if ((float)x4[r * C + c] >= (float)x4[r * C + best]) best = c;
    any_place[r] = best;
    spare[r] = r % 3;
  }
}
