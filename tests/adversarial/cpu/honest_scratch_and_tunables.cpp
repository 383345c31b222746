// expect: measured:
// A plan with scratch, a zeroed counter, tunables, two calls, a loop and a condition.
//@ tune PARTS = 4 | 1 | 16
//@ where PARTS <= 8 * THREADS
//@ scratch part f32 [PARTS, R]
//@ scratch calls i32 [1]
//@ zero calls
//@ call sum_part args(x, part, calls, R, C, p) for p in 0..PARTS
//@ call sum_parts args(part, calls, s, R) when(R > 0)

extern "C" void sum_part(const float* x, float* part, int* calls, int R, int C, int p) {
  ++*calls;
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = p; c < C; c += PARTS) sum += x[(long long)r * C + c];
    part[(long long)p * R + r] = sum;
  }
}

extern "C" void sum_parts(float* part, int* calls, float* s, int R) {
  for (int r = 0; r < R; ++r) {
    s[r] = *calls == PARTS ? 0.f : __builtin_nanf("");
    for (int p = 0; p < PARTS; ++p) s[r] += part[(long long)p * R + r];
  }
}
