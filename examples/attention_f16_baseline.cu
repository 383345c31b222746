// Attention as a textbook writes it in one pass over the keys: a warp for each query, a running softmax, sums in f32.
// No tiles, no matrix units. What the speedup of examples/attention_f16.spec is against.
//@ launch attention grid(ceil_div(B * H * S, 4)) block(32, 4) args(q, k, v, o, scale, slope, B, H, S)

extern "C" __global__ void attention(const __half* q, const __half* k, const __half* v, __half* o, float scale,
                                     float slope, int B, int H, int S) {
  constexpr int kPart = D / 32;  // elements of a lane: lane, lane + 32, ...
  const int lane = threadIdx.x;
  const long long row = (long long)blockIdx.x * 4 + threadIdx.y;
  if (row >= (long long)B * H * S) return;
  const long long head = row / S * S;  // first row of this head
  const int i = (int)(row % S);

  float query[kPart], sum[kPart] = {};
  for (int d = 0; d < kPart; ++d) query[d] = __half2float(q[row * D + d * 32 + lane]);
  float largest = -__int_as_float(0x7f800000), total = 0;
  for (int j = 0; j < S; ++j) {
    float score = 0;
    for (int d = 0; d < kPart; ++d) score += query[d] * __half2float(k[(head + j) * D + d * 32 + lane]);
    for (int other = 16; other > 0; other /= 2) score += __shfl_xor_sync(0xffffffff, score, other);
    score = score * scale + slope * (i - j);
    const float high = fmaxf(largest, score);
    const float correction = expf(largest - high), weight = expf(score - high);
    largest = high;
    total = total * correction + weight;
    for (int d = 0; d < kPart; ++d) {
      sum[d] = sum[d] * correction + weight * __half2float(v[(head + j) * D + d * 32 + lane]);
    }
  }
  for (int d = 0; d < kPart; ++d) o[row * D + d * 32 + lane] = __float2half(sum[d] / total);
}
