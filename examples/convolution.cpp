// 2-D convolution, 3 by 3, directly, tunable.
//
// Images are copied with zeros around them, rows padded to whole vectors, so that no load asks where the image ends.
// Filters are reordered so that those of OUT output channels lie side by side. A task is a row of an image: a tile of
// OUT channels by NV vectors of pixels is summed in registers over all input channels and the nine filter elements.
//
//@ tune LANES = 16 | 8          # pixels of a vector
//@ tune OUT = 8 | 4 | 6 | 12    # output channels of a tile
//@ tune NV = 2 | 1 | 4          # vectors of pixels of a tile
//@ tune ROWS = 1 | 2 | 4        # rows that a thread takes at once
//@ where OUT * NV >= 4 && OUT * NV <= 28  # sums that hide the latency and fit the registers
//@ scratch padded f32 [N, CI, H + 2, align(W, NV * LANES) + 2]
//@ scratch packed f32 [ceil_div(CO, OUT), CI, 9, OUT]
//@ call pad args(x, padded, N, H)
//@ call pack args(filter, packed)
//@ call conv2d args(padded, packed, bias, y, N, H)

namespace {

typedef float Vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

constexpr int kTile = NV * LANES;
constexpr int kPitch = (W + kTile - 1) / kTile * kTile + 2;
constexpr int kGroups = (CO + OUT - 1) / OUT;

inline Vec Load(const float* from) { return *(const Vec*)from; }

// Sums of OUT channels at kTile pixels from column j on. `in`: the padded row above, of the first input channel.
inline void Sum(const float* in, long long plane, const float* filters, Vec (&sums)[OUT][NV]) {
  for (int c = 0; c < CI; ++c) {
    for (int a = 0; a < 3; ++a) {
#pragma GCC unroll 3
      for (int b = 0; b < 3; ++b) {
        Vec pixels[NV];
#pragma GCC unroll 4
        for (int v = 0; v < NV; ++v) pixels[v] = Load(in + c * plane + a * kPitch + b + v * LANES);
        const float* weights = filters + (c * 9 + a * 3 + b) * OUT;
#pragma GCC unroll 12
        for (int o = 0; o < OUT; ++o)
#pragma GCC unroll 4
          for (int v = 0; v < NV; ++v) sums[o][v] += pixels[v] * weights[o];
      }
    }
  }
}

}  // namespace

extern "C" void pad(const float* x, float* padded, int N, int H) {
#pragma omp parallel for collapse(2)
  for (int plane = 0; plane < N * CI; ++plane) {
    for (int i = 0; i < H + 2; ++i) {
      float* row = padded + ((long long)plane * (H + 2) + i) * kPitch;
      std::memset(row, 0, kPitch * sizeof(float));
      if (i > 0 && i <= H) std::memcpy(row + 1, x + ((long long)plane * H + i - 1) * W, W * sizeof(float));
    }
  }
}

extern "C" void pack(const float* filter, float* packed) {
  for (int o = 0; o < kGroups * OUT; ++o) {
    for (int e = 0; e < CI * 9; ++e) {
      packed[((long long)(o / OUT) * CI * 9 + e) * OUT + o % OUT] = o < CO ? filter[o * CI * 9 + e] : 0;
    }
  }
}

extern "C" void conv2d(float* padded, float* packed, const float* bias, float* y, int N, int H) {
  const long long plane = (long long)(H + 2) * kPitch;
#pragma omp parallel for schedule(dynamic, ROWS)
  for (int task = 0; task < N * H; ++task) {
    const int n = task / H, i = task % H;
    for (int g = 0; g < kGroups; ++g) {
      const float* filters = packed + (long long)g * CI * 9 * OUT;
      for (int j = 0; j < W; j += kTile) {
        Vec sums[OUT][NV] = {};
        Sum(padded + n * CI * plane + (long long)i * kPitch + j, plane, filters, sums);
        for (int o = 0; o < OUT && g * OUT + o < CO; ++o) {
          float* out = y + (((long long)n * CO + g * OUT + o) * H + i) * W + j;
          for (int v = 0; v < NV; ++v) {
            const Vec result = sums[o][v] + bias[g * OUT + o];
            if (j + (v + 1) * LANES <= W) {
              *(Vec*)(out + v * LANES) = result;
            } else {
              for (int lane = 0; lane < LANES && j + v * LANES + lane < W; ++lane) out[v * LANES + lane] = result[lane];
            }
          }
        }
      }
    }
  }
}
