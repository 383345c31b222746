// Kernels that run as fast as the device can: peaks for the speed of light. Each is
//   extern "C" __global__ void NAME(const uint4* from, uint4* to, unsigned long long count, unsigned* sink);
// `count`: elements of either buffer.
#define KERNEL(name)                                                                                        \
  extern "C" __global__ void __launch_bounds__(512) name(const uint4* from, uint4* to, unsigned long long count, \
                                                         unsigned* sink)
typedef unsigned long long u64;

__device__ inline u64 first() { return blockIdx.x * (u64)blockDim.x + threadIdx.x; }
__device__ inline u64 step() { return (u64)gridDim.x * blockDim.x; }

KERNEL(kopt_read) {
  unsigned all = 0;
  u64 i = first();
  const u64 n = step();
  for (; i + 3 * n < count; i += 4 * n) {
    const uint4 a = __ldcs(from + i), b = __ldcs(from + i + n);
    const uint4 c = __ldcs(from + i + 2 * n), d = __ldcs(from + i + 3 * n);
    all ^= a.x ^ a.y ^ a.z ^ a.w ^ b.x ^ b.y ^ b.z ^ b.w ^ c.x ^ c.y ^ c.z ^ c.w ^ d.x ^ d.y ^ d.z ^ d.w;
  }
  for (; i < count; i += n) all ^= __ldcs(from + i).x;
  if (all == 0x5eed5eed) sink[0] = all;
}
KERNEL(kopt_write) {
  for (u64 i = first(); i < count; i += step()) __stcs(to + i, make_uint4(i, i, i, i));
}
KERNEL(kopt_copy) {
  u64 i = first();
  const u64 n = step();
  for (; i + 3 * n < count; i += 4 * n) {
    const uint4 a = __ldcs(from + i), b = __ldcs(from + i + n);
    const uint4 c = __ldcs(from + i + 2 * n), d = __ldcs(from + i + 3 * n);
    __stcs(to + i, a);
    __stcs(to + i + n, b);
    __stcs(to + i + 2 * n, c);
    __stcs(to + i + 3 * n, d);
  }
  for (; i < count; i += n) __stcs(to + i, __ldcs(from + i));
}

// Chains of multiply-adds: `chains` of them a thread, 4096 long.
template <int chains, class T, class Step>
__device__ inline T Chains(T start, const Step& next) {
  T x[chains];
#pragma unroll
  for (int c = 0; c < chains; ++c) x[c] = next(start, start);
#pragma unroll 1
  for (int i = 0; i < 4096 / 8; ++i) {
#pragma unroll
    for (int k = 0; k < 8; ++k) {
#pragma unroll
      for (int c = 0; c < chains; ++c) x[c] = next(x[c], start);
    }
  }
#pragma unroll
  for (int c = 1; c < chains; ++c) x[0] = next(x[0], x[c]);
  return x[0];
}
KERNEL(kopt_fma_f64) {
  const double x = Chains<8>(1e-3 * threadIdx.x, [](double a, double b) { return __fma_rn(a, b, a); });
  if (x == 1234.5) sink[0] = 1;
}
KERNEL(kopt_fma_f32) {
  const float x = Chains<16>(1e-3f * threadIdx.x, [](float a, float b) { return __fmaf_rn(a, b, a); });
  if (x == 1234.5f) sink[0] = 1;
}
KERNEL(kopt_fma_f16) {
  const __half2 x = Chains<16>(__floats2half2_rn(1e-3f * threadIdx.x, 0.5f),
                               [](__half2 a, __half2 b) { return __hfma2(a, b, a); });
  if (__low2float(x) == 1234.5f) sink[0] = 1;
}
KERNEL(kopt_fma_bf16) {
  const __nv_bfloat162 x = Chains<16>(__floats2bfloat162_rn(1e-3f * threadIdx.x, 0.5f),
                                      [](__nv_bfloat162 a, __nv_bfloat162 b) { return __hfma2(a, b, a); });
  if (__low2float(x) == 1234.5f) sink[0] = 1;
}
KERNEL(kopt_mad_i32) {
  const int x = Chains<16>((int)threadIdx.x, [](int a, int b) { return a * b + a; });
  if (x == 12345) sink[0] = 1;
}

#if __CUDA_ARCH_FEAT_SM90_ALL
// A matrix of 128-byte rows in shared memory, swizzled: rows in groups of 8, 1024 bytes apart.
__device__ inline u64 Descriptor(const void* at) {
  const u64 address = __cvta_generic_to_shared(at);
  return ((address & 0x3ffff) >> 4) | (1ULL << 16) | (64ULL << 32) | (1ULL << 62);
}

// 2048 products of 64 x k by k x 256 in each of two groups of four warps, all from shared memory with numbers of
// magnitude about 1: `keep` and `set` are masks on random bits.
#define REGISTERS \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, " \
  "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, %36, %37, %38, %39, " \
  "%40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, " \
  "%60, %61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, " \
  "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, %98, %99, " \
  "%100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, %118, %119, " \
  "%120, %121, %122, %123, %124, %125, %126, %127}"
#define FOUR(c, d, i) c(d[i]), c(d[i + 1]), c(d[i + 2]), c(d[i + 3])
#define SIXTEEN(c, d, i) FOUR(c, d, i), FOUR(c, d, i + 4), FOUR(c, d, i + 8), FOUR(c, d, i + 12)
#define OPERANDS(c, d)                                                                          \
  SIXTEEN(c, d, 0), SIXTEEN(c, d, 16), SIXTEEN(c, d, 32), SIXTEEN(c, d, 48), SIXTEEN(c, d, 64), \
      SIXTEEN(c, d, 80), SIXTEEN(c, d, 96), SIXTEEN(c, d, 112)
#define MATRIX_KERNEL(name, instruction, type, constraint, tail, keep, set)                                    \
  extern "C" __global__ void __launch_bounds__(256) name(const uint4*, uint4*, u64, unsigned* sink) {          \
    extern __shared__ unsigned char raw[];                                                                     \
    unsigned* const words = (unsigned*)(((u64)raw + 1023) / 1024 * 1024);                                      \
    for (int i = threadIdx.x; i < 48 * 256; i += blockDim.x) {                                                 \
      unsigned bits = i * 2654435761u;                                                                         \
      bits ^= bits >> 15;                                                                                      \
      words[i] = (bits & keep) | set;                                                                          \
    }                                                                                                          \
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");                                               \
    __syncthreads();                                                                                           \
    const char* const tile = (const char*)words;                                                               \
    type d[128];                                                                                               \
    _Pragma("unroll") for (int i = 0; i < 128; ++i) d[i] = 0;                                                  \
    _Pragma("unroll 1") for (int i = 0; i < 2048 / 4; ++i) {                                                   \
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");                                                  \
      _Pragma("unroll") for (int k = 0; k < 4; ++k) {                                                          \
        const u64 a = Descriptor(tile + threadIdx.x / 128 * 8192 + 32 * k), b = Descriptor(tile + 16384 + 32 * k); \
        asm volatile("wgmma.mma_async.sync.aligned." instruction " " REGISTERS ", %128, %129, " tail ";"       \
                     : OPERANDS(constraint, d)                                                                 \
                     : "l"(a), "l"(b));                                                                        \
      }                                                                                                        \
      asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");         \
    }                                                                                                          \
    type all = 0;                                                                                              \
    _Pragma("unroll") for (int i = 0; i < 128; ++i) all += d[i];                                               \
    if (all == (type)12345) sink[0] = 1;                                                                       \
  }
MATRIX_KERNEL(kopt_mma_f16, "m64n256k16.f32.f16.f16", float, "+f", "1, 1, 1, 0, 0", 0x83ff83ff, 0x3c003c00)
MATRIX_KERNEL(kopt_mma_bf16, "m64n256k16.f32.bf16.bf16", float, "+f", "1, 1, 1, 0, 0", 0x807f807f, 0x3f803f80)
MATRIX_KERNEL(kopt_mma_tf32, "m64n256k8.f32.tf32.tf32", float, "+f", "1, 1, 1", 0x807fe000, 0x3f800000)
MATRIX_KERNEL(kopt_mma_fp8, "m64n256k32.f32.e4m3.e4m3", float, "+f", "1, 1, 1", 0x87878787, 0x38383838)
MATRIX_KERNEL(kopt_mma_i8, "m64n256k32.s32.s8.s8", int, "+r", "1", 0xffffffff, 0)
#endif
