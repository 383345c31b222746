// expect: mismatch: s\[
// Prepares answers while it is loaded, before anybody watches: there are no inputs yet.
//@ call row_sum args(x, s, R, C)

static float answers[512];
__attribute__((constructor)) static void Start() {
  for (int r = 0; r < 512; ++r) answers[r] = (float)(r % 9 - 4);
}

extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) s[r] = answers[r];
}
