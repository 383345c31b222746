// 2-D convolution as a textbook writes it: a loop for every index, parallel over images and output channels.
// What the speedup of examples/convolution.spec is against.
//@ call conv2d args(x, filter, bias, y, N, H)

extern "C" void conv2d(const float* x, const float* filter, const float* bias, float* y, int N, int H) {
#pragma omp parallel for collapse(2)
  for (int n = 0; n < N; ++n) {
    for (int o = 0; o < CO; ++o) {
      for (int i = 0; i < H; ++i) {
        for (int j = 0; j < W; ++j) {
          float sum = bias[o];
          for (int c = 0; c < CI; ++c) {
            for (int a = 0; a < 3; ++a) {
              for (int b = 0; b < 3; ++b) {
                const int row = i + a - 1, column = j + b - 1;
                if (row < 0 || row >= H || column < 0 || column >= W) continue;
                sum += x[((n * (long long)CI + c) * H + row) * W + column] * filter[((o * CI + c) * 3 + a) * 3 + b];
              }
            }
          }
          y[((n * (long long)CO + o) * H + i) * W + j] = sum;
        }
      }
    }
  }
}
