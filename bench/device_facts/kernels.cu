// The kernels with which device_facts looks at a device. Compiled by NVRTC for the device at hand.
#include <cuda_fp16.h>

typedef unsigned int u32;
typedef unsigned long long u64;

// ---- module-local variables ----

static __device__ int hidden_counter = 7;
__device__ int plain_counter[3] = {1, 2, 3};
namespace {
__device__ int unnamed_counter = 5;
}
template <int n>
__device__ int templated_counter = n;
__constant__ int constant_table[4] = {4, 3, 2, 1};

extern "C" __global__ void count(int* out) {
  static __device__ int local_counter = 11;
  out[0] = ++hidden_counter;
  out[1] = ++plain_counter[1];
  out[2] = ++unnamed_counter;
  out[3] = ++templated_counter<9>;
  out[4] = ++local_counter;
  out[5] = constant_table[out[6]];
  out[7] = __float_as_int(sinf(__int_as_float(out[6])));  // brings a table of its own
}

// ---- what one launch leaves for the next ----

extern "C" __global__ void fill_shared(u32 pattern, int words) {
  extern __shared__ u32 shared[];
  for (int i = threadIdx.x; i < words; i += blockDim.x) shared[i] = pattern + i;
}

extern "C" __global__ void find_shared(u32 pattern, int words, int* found) {
  extern __shared__ u32 shared[];
  int mine = 0;
  for (int i = threadIdx.x; i < words; i += blockDim.x) mine += ((volatile u32*)shared)[i] == pattern + i;
  atomicAdd(found, mine);
}

// 128 registers a thread hold the pattern until the end.
#define EACH_128(X) EACH_32(X, 0) EACH_32(X, 32) EACH_32(X, 64) EACH_32(X, 96)
#define EACH_32(X, b) EACH_8(X, b + 0) EACH_8(X, b + 8) EACH_8(X, b + 16) EACH_8(X, b + 24)
#define EACH_8(X, b) X(b + 0) X(b + 1) X(b + 2) X(b + 3) X(b + 4) X(b + 5) X(b + 6) X(b + 7)

extern "C" __global__ void __launch_bounds__(256, 1) fill_registers(u32 pattern, u32* sink, int never) {
  u32 r[192];
#pragma unroll
  for (int i = 0; i < 192; ++i) r[i] = pattern ^ (threadIdx.x * never + i * never);
#pragma unroll
  for (int i = 0; i < 192; ++i) asm volatile("" : "+r"(r[i]));
  u32 all = 0;
#pragma unroll
  for (int i = 0; i < 192; ++i) {
    asm volatile("" : "+r"(r[i]));
    if (never) sink[i * 256 + threadIdx.x] = r[i];
    all ^= r[i];
  }
  if (all == 0x12345678) sink[0] = all;
}

// Registers that nobody wrote, as PTX has them.
extern "C" __global__ void __launch_bounds__(256, 1) find_registers(u32 pattern, int* found, u32* first) {
  u32 r[160];
#pragma unroll
  for (int i = 0; i < 160; ++i) asm volatile("{ .reg .u32 unwritten; mov.u32 %0, unwritten; }" : "=r"(r[i]));
  int mine = 0;
#pragma unroll
  for (int i = 0; i < 160; ++i) mine += r[i] == pattern;
  atomicAdd(found, mine);
  if (blockIdx.x == 0 && threadIdx.x == 0)
    for (int i = 0; i < 8; ++i) first[i] = r[i];
}

// The same through local memory, which is a stack of the device's own.
extern "C" __global__ void fill_local(u32 pattern, u32* sink, int index) {
  volatile u32 local[512];
  for (int i = 0; i < 512; ++i) local[i] = pattern;
  if (index < 0) sink[0] = local[-index];
}
extern "C" __global__ void find_local(u32 pattern, int* found, int words) {
  volatile u32 local[512];
  if (words < 0) local[-words] = 0;
  int mine = 0;
  for (int i = 0; i < words; ++i) mine += local[i] == pattern;
  atomicAdd(found, mine);
}

// ---- caches ----

extern "C" __global__ void read_flush(const uint4* data, u64 count, u32* sink) {
  u32 all = 0;
  for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
    const uint4 v = __ldcg(data + i);
    all ^= v.x ^ v.y ^ v.z ^ v.w;
  }
  if (all == 0x12345679) sink[0] = all;
}

extern "C" __global__ void read_evict_last(const uint4* data, u64 count, u32* sink) {
  u64 policy;
  asm volatile("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
  u32 all = 0;
  for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
    uint4 v;
    asm volatile("ld.global.L2::cache_hint.v4.u32 {%0, %1, %2, %3}, [%4], %5;"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(data + i), "l"(policy));
    all ^= v.x ^ v.y ^ v.z ^ v.w;
  }
  if (all == 0x12345679) sink[0] = all;
}

extern "C" __global__ void copy(const uint4* from, uint4* to, u64 count) {
  for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) to[i] = from[i];
}

// ---- clocks ----

extern "C" __global__ void empty() {}

// Spins for so many cycles of the SM's clock; writes nanoseconds and cycles.
extern "C" __global__ void spin(u64 cycles, u64* out) {
  u64 t0, t1;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t0));
  const u64 c0 = clock64();
  while (clock64() - c0 < cycles) {
  }
  const u64 c1 = clock64();
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t1));
  if (threadIdx.x == 0 && blockIdx.x == 0) out[0] = t1 - t0, out[1] = c1 - c0;
}

extern "C" __global__ void endless(volatile int* stop) {
  while (*stop == 0) {
  }
}

// ---- what a kernel can reach ----

extern "C" __global__ void store_one(int* at, int value) { *at = value; }
extern "C" __global__ void load_one(const int* at, int* out) { *out = *at; }

extern "C" __device__ __noinline__ int victim(int x) { return x * 3 + 1; }
typedef int (*function)(int);
extern "C" __global__ void code_address(u64* out) {
  function f = victim;
  out[0] = (u64)f;
  out[1] = f((int)out[2]);
}
extern "C" __global__ void read_code(const u64* from, u64* out, int words) {
  for (int i = 0; i < words; ++i) out[i] = ((volatile const u64*)from)[i];
}
extern "C" __global__ void write_code(u64* to, u64 value) { *(volatile u64*)to = value; }

struct alignas(64) TensorMap {
  char bytes[128];
};
// One bulk tensor store of a box of 8 rows of 64 floats to row `row`.
extern "C" __global__ void store_box(const __grid_constant__ TensorMap map, int row) {
  __shared__ alignas(128) float box[8 * 64];
  for (int i = threadIdx.x; i < 8 * 64; i += blockDim.x) box[i] = 1.0f;
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  if (threadIdx.x == 0) {
    const u32 from = (u32)__cvta_generic_to_shared(box);
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&map), "r"(0),
                 "r"(row), "r"(from)
                 : "memory");
    asm volatile("cp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;" ::: "memory");
  }
}

// A word so many bytes behind a variable, wherever that leads.
extern "C" __global__ void note_behind(long long bytes, int value, int* found) {
  volatile int* at = reinterpret_cast<volatile int*>(reinterpret_cast<char*>(plain_counter) + bytes);
  found[0] = *at;
  if (value != 0) *at = value;
}

// Lets the next launch begin at once, then works on.
extern "C" __global__ void early_release(long long cycles, int* done) {
  asm volatile("griddepcontrol.launch_dependents;");
  const long long begin = clock64();
  while (clock64() - begin < cycles) {
  }
  done[0] = 1;
}
