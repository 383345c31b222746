// Sums of rows, a row at a time, LANES sums in flight.
//@ tune LANES = 16 | 8 | 32          # sums kept apart, so that no addition waits for the one before it
//@ tune CHUNK = 8 | 1 | 64           # rows that a thread takes at once
//@ where LANES <= align(C, 32)
//@ call row_sums args(x, y, R)

extern "C" void row_sums(const x_t* x, y_t* y, int R) {
#pragma omp parallel for schedule(dynamic, CHUNK)
  for (int row = 0; row < R; ++row) {
    const x_t* in = x + (long long)row * C;
    float sums[LANES] = {};
    int c = 0;
    for (; c + LANES <= C; c += LANES)
      for (int lane = 0; lane < LANES; ++lane) sums[lane] += in[c + lane];
    for (; c < C; ++c) sums[0] += in[c];
    float sum = 0;
    for (int lane = 0; lane < LANES; ++lane) sum += sums[lane];
    y[row] = sum;
  }
}
