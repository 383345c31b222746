// expect: measured:
// spec: matmul_half.spec
// f16 on tensor cores with mma.sync: a warp for 16 x 8 results, each lane loads what the instruction wants of it.
//@ launch matmul grid(ceil_div(N, 8), ceil_div(M, 16)) block(32) args(a, b, c, M, N, K)

__device__ inline unsigned Pack(__half low, __half high) {
  return (unsigned)__half_as_ushort(low) | (unsigned)__half_as_ushort(high) << 16;
}
extern "C" __global__ void matmul(const __half* a, const __half* b, float* c, int M, int N, int K) {
  const int group = threadIdx.x / 4, pair = threadIdx.x % 4 * 2;
  const int row = blockIdx.y * 16 + group, first = blockIdx.x * 8;
  const __half zero = __float2half(0.0f);
  const auto from_a = [&](int r, int k) { return r < M && k < K ? a[(long long)r * K + k] : zero; };
  const auto from_b = [&](int k, int n) { return k < K && n < N ? b[(long long)k * N + n] : zero; };
  float sum[4] = {};
  for (int begin = 0; begin < K; begin += 16) {
    const int k = begin + pair;
    const unsigned a0 = Pack(from_a(row, k), from_a(row, k + 1));
    const unsigned a1 = Pack(from_a(row + 8, k), from_a(row + 8, k + 1));
    const unsigned a2 = Pack(from_a(row, k + 8), from_a(row, k + 9));
    const unsigned a3 = Pack(from_a(row + 8, k + 8), from_a(row + 8, k + 9));
    const unsigned b0 = Pack(from_b(k, first + group), from_b(k + 1, first + group));
    const unsigned b1 = Pack(from_b(k + 8, first + group), from_b(k + 9, first + group));
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  }
  for (int i = 0; i < 4; ++i) {
    const int r = row + i / 2 * 8, n = first + pair + i % 2;
    if (r < M && n < N) c[(long long)r * N + n] = sum[i];
  }
}
