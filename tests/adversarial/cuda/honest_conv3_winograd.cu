// expect: measured:
// spec: conv3.spec
// Winograd's way: tiles of 4 x 4 and filters are transformed, multiplied element by element (16 products for 4 results
// instead of 36), and transformed back.
//@ scratch u f32 [K, C, 16]
//@ launch filters grid(ceil_div(K * C, 64)) block(64) args(f, u, K * C)
//@ launch tiles grid(ceil_div(ceil_div(H - 2, 2) * ceil_div(W - 2, 2), 64), K) block(64) args(x, u, y, C, H, W)

// Of three values four, at distances of `step`.
__device__ inline void Filter(float a, float b, float c, float* to, int step) {
  to[0] = a;
  to[step] = 0.5f * (a + b + c);
  to[2 * step] = 0.5f * (a - b + c);
  to[3 * step] = c;
}
__device__ inline void Input(float* v, int step) {
  const float a = v[0], b = v[step], c = v[2 * step], d = v[3 * step];
  v[0] = a - c;
  v[step] = b + c;
  v[2 * step] = c - b;
  v[3 * step] = b - d;
}
extern "C" __global__ void filters(const float* f, float* u, int count) {
  const int at = blockIdx.x * 64 + threadIdx.x;
  if (at >= count) return;
  const float* g = f + at * 9;
  float rows[12];  // 4 x 3
  for (int j = 0; j < 3; ++j) Filter(g[j], g[3 + j], g[6 + j], rows + j, 3);
  for (int i = 0; i < 4; ++i) Filter(rows[3 * i], rows[3 * i + 1], rows[3 * i + 2], u + at * 16 + 4 * i, 1);
}
extern "C" __global__ void tiles(const float* x, float* u, float* y, int C, int H, int W) {
  const int height = H - 2, width = W - 2, across = (width + 1) / 2, at = blockIdx.x * 64 + threadIdx.x;
  const int top = at / across * 2, left = at % across * 2, k = blockIdx.y;
  if (top >= height) return;
  float m[16] = {}, v[16];
  for (int c = 0; c < C; ++c) {
#pragma unroll
    for (int i = 0; i < 16; ++i) {
      const int h = top + i / 4, w = left + i % 4;
      v[i] = h < H && w < W ? x[(c * H + h) * W + w] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) Input(v + i, 4);
#pragma unroll
    for (int i = 0; i < 4; ++i) Input(v + 4 * i, 1);
#pragma unroll
    for (int i = 0; i < 16; ++i) m[i] = fmaf(u[(k * C + c) * 16 + i], v[i], m[i]);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int h = top + i / 2, w = left + i % 2;
    float row[4];
    for (int j = 0; j < 4; ++j) row[j] = i / 2 == 0 ? m[j] + m[4 + j] + m[8 + j] : m[4 + j] - m[8 + j] - m[12 + j];
    const float value = i % 2 == 0 ? row[0] + row[1] + row[2] : row[1] - row[2] - row[3];
    if (h < height && w < width) y[(k * height + h) * width + w] = value;
  }
}
