// expect: rejected: embed
// Reads a file of the host into the program.
//@ call row_sum args(x, s, R, C)

static const char stolen[] = {
#embed "/etc/passwd"
};
extern "C" void row_sum(const float* x, float* s, int R, int C) {
  for (int r = 0; r < R; ++r) {
    float sum = 0;
    for (int c = 0; c < C; ++c) sum += x[(long long)r * C + c];
    s[r] = sum;
  }
}
