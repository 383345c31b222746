// expect: measured:
// spec: quotient.spec
// A reciprocal and a product for each quotient, four at a time: infinities and NaN come out as division makes them.
//@ launch quotient grid(ceil_div(N, 1024)) block(256) args(a, b, q, N)

__device__ inline float Quotient(float a, float b) { return a * __frcp_rn(b); }
extern "C" __global__ void quotient(const float* __restrict__ a, const float* __restrict__ b, float* q, int N) {
  const int first = (blockIdx.x * 256 + threadIdx.x) * 4;
  if (first + 4 <= N) {
    const float4 x = *(const float4*)(a + first), y = *(const float4*)(b + first);
    *(float4*)(q + first) = make_float4(Quotient(x.x, y.x), Quotient(x.y, y.y), Quotient(x.z, y.z), Quotient(x.w, y.w));
  } else {
    for (int i = first; i < N; ++i) q[i] = Quotient(a[i], b[i]);
  }
}
