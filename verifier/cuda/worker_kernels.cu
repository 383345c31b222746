// kopt's own kernels around a candidate's calls: poison, redzones, digests, snapshots, scrub, flush, clock. Each runs
// in any grid but kopt_scrub and the snapshots.
typedef unsigned long long u64;
typedef unsigned int u32;

__device__ inline u64 mix(u64 seed, u64 index) {  // splitmix64: base/hash.h
  u64 z = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
__device__ inline u64 first() { return blockIdx.x * (u64)blockDim.x + threadIdx.x; }
__device__ inline u64 step() { return (u64)gridDim.x * blockDim.x; }

// A stretch of memory: whole words from a multiple of 8 bytes, of the first and the last only the bytes in the masks.
struct Stretch {
  u64* at;
  u64 words;
  u64 first_mask, last_mask;  // of a single word: both
  __device__ u64 mask(u64 i) const {
    return (i == 0 ? first_mask : ~0ULL) & (i == words - 1 ? last_mask : ~0ULL);
  }
};
// What it is filled with: random words under masks. `keep` 0 gives a constant; `set` holds an exponent, say. `origin`:
// the number of the first word.
struct Pattern {
  u64 seed, keep, set, origin;
  __device__ u64 word(u64 i) const { return (mix(seed, origin + i) & keep) | set; }
};

extern "C" __global__ void kopt_fill(Stretch to, Pattern pattern) {
  for (u64 i = first(); i < to.words; i += step()) {
    const u64 mask = to.mask(i), value = pattern.word(i);
    to.at[i] = mask == ~0ULL ? value : (to.at[i] & ~mask) | (value & mask);
  }
}

// Adds the number of words that differ from what kopt_fill wrote.
extern "C" __global__ void kopt_check(Stretch from, Pattern pattern, u64* damage) {
  u64 mine = 0;
  for (u64 i = first(); i < from.words; i += step()) mine += ((from.at[i] ^ pattern.word(i)) & from.mask(i)) != 0;
  if (mine > 0) atomicAdd(damage, mine);
}

// `from` lies in its words as `to` does. `flip`: all ones give the complement.
extern "C" __global__ void kopt_copy(Stretch to, const u64* from, u64 flip) {
  for (u64 i = first(); i < to.words; i += step()) {
    const u64 mask = to.mask(i), value = from[i] ^ flip;
    to.at[i] = mask == ~0ULL ? value : (to.at[i] & ~mask) | (value & mask);
  }
}

// Adds a keyed sum over all bytes: it depends on every bit and on its place, not on the order of addition.
extern "C" __global__ void kopt_digest(Stretch from, u64 key, u64* sum) {
  u64 mine = 0;
  for (u64 i = first(); i < from.words; i += step()) mine += mix((from.at[i] & from.mask(i)) ^ mix(key, i), key);
  for (int lane = 16; lane > 0; lane /= 2) mine += __shfl_down_sync(0xffffffffu, mine, lane);
  if (threadIdx.x % 32 == 0 && mine != 0) atomicAdd(sum, mine);
}

// A thread for each word: copies words of the stretch that `seed` draws. No shared memory: the next call could read it.
extern "C" __global__ void kopt_snapshot(Stretch from, u64 seed, u64* to) {
  const u64 i = mix(seed, first()) % from.words;
  to[first()] = from.at[i] & from.mask(i);
}

// Adds the number of words that are not what kopt_snapshot copied.
extern "C" __global__ void kopt_compare_snapshot(Stretch from, u64 seed, const u64* copied, u64* changed) {
  const u64 i = mix(seed, first()) % from.words;
  if ((from.at[i] & from.mask(i)) != copied[first()]) atomicAdd(changed, 1ULL);
}

extern "C" __global__ void kopt_compare_snapshots(const u64* one, const u64* other, u64* changed) {
  if (one[first()] != other[first()]) atomicAdd(changed, 1ULL);
}

__device__ inline u64 element(const unsigned char* at, u32 width) {
  u64 value = 0;
  for (u32 b = 0; b < width; ++b) value |= (u64)at[b] << (8 * b);
  return value;
}

// Where the elements of a strided storage lie: extents and strides by dimension, in elements.
struct Layout {
  u64 elements, span;  // span: all that it holds, gaps included
  u32 rank, width;     // width: bytes of an element
  u64 extent[16], stride[16];
  __device__ u64 place(u64 index) const {
    u64 at = 0;
    for (u32 d = rank; d-- > 0; index /= extent[d]) at += index % extent[d] * stride[d];
    return at;
  }
};

// The same over the elements of a strided storage.
extern "C" __global__ void kopt_digest_elements(const unsigned char* from, Layout layout, u64 key, u64* sum) {
  u64 mine = 0;
  for (u64 i = first(); i < layout.elements; i += step()) {
    mine += mix(element(from + layout.place(i) * layout.width, layout.width) ^ mix(key, i), key);
  }
  if (mine != 0) atomicAdd(sum, mine);
}

// Marks in a map of the span, which is 0 before, what is an element and no gap.
extern "C" __global__ void kopt_mark_elements(Layout layout, unsigned char* map) {
  for (u64 i = first(); i < layout.elements; i += step()) map[layout.place(i)] = 1;
}

// Adds the number of gaps that differ from what kopt_fill wrote to the stretch that begins `skew` bytes before `from`.
extern "C" __global__ void kopt_check_gaps(const unsigned char* from, const unsigned char* map, u64 span, u32 width,
                                           u32 skew, Pattern pattern, u64* damage) {
  u64 mine = 0;
  for (u64 i = first(); i < span; i += step()) {
    if (map[i]) continue;
    bool same = true;
    for (u32 b = 0; b < width; ++b) {
      const u64 place = skew + i * width + b;
      same = same && from[i * width + b] == (unsigned char)(pattern.word(place / 8) >> (8 * (place % 8)));
    }
    mine += !same;
  }
  if (mine > 0) atomicAdd(damage, mine);
}

// The same for gaps that must be those of another storage.
extern "C" __global__ void kopt_compare_gaps(const unsigned char* from, const unsigned char* original,
                                             const unsigned char* map, u64 span, u32 width, u64* damage) {
  u64 mine = 0;
  for (u64 i = first(); i < span; i += step()) {
    mine += !map[i] && element(from + i * width, width) != element(original + i * width, width);
  }
  if (mine > 0) atomicAdd(damage, mine);
}

// A part of a module's variables, and what it was when the module was loaded; a block works on each.
struct Variable {
  unsigned char* at;
  const unsigned char* image;
  u64 bytes;
  // The words that it has, where it can be read by words.
  __device__ u64 words() const { return ((u64)at | (u64)image) % 8 == 0 ? bytes / 8 : 0; }
};
extern "C" __global__ void kopt_restore(const Variable* variables, u32 count) {
  for (u32 v = blockIdx.x; v < count; v += gridDim.x) {
    const Variable variable = variables[v];
    const u64 words = variable.words();
    for (u64 i = threadIdx.x; i < words; i += blockDim.x) ((u64*)variable.at)[i] = ((const u64*)variable.image)[i];
    for (u64 i = 8 * words + threadIdx.x; i < variable.bytes; i += blockDim.x) variable.at[i] = variable.image[i];
  }
}
// Adds the number of words, or bytes, that are not what they were.
extern "C" __global__ void kopt_compare_image(const Variable* variables, u32 count, u64* damage) {
  u64 mine = 0;
  for (u32 v = blockIdx.x; v < count; v += gridDim.x) {
    const Variable variable = variables[v];
    const u64 words = variable.words();
    for (u64 i = threadIdx.x; i < words; i += blockDim.x) {
      mine += ((const u64*)variable.at)[i] != ((const u64*)variable.image)[i];
    }
    for (u64 i = 8 * words + threadIdx.x; i < variable.bytes; i += blockDim.x) {
      mine += variable.at[i] != variable.image[i];
    }
  }
  if (mine > 0) atomicAdd(damage, mine);
}

// Overwrites the shared memory and the registers of a multiprocessor: one block of 1024 threads fits each.
extern "C" __global__ void __launch_bounds__(1024, 1) kopt_scrub(u64 seed, u32 shared_words, u32* sink) {
  extern __shared__ u32 shared[];
  for (u32 i = threadIdx.x; i < shared_words; i += blockDim.x) shared[i] = (u32)mix(seed, i);
  __syncthreads();
  // What is read is needed again after the pivot is known, so all of it stays in registers until then.
  const volatile u32* words = shared;
  u32 held[48];
#pragma unroll
  for (int i = 0; i < 48; ++i) held[i] = words[threadIdx.x + 32 * i];
  __syncthreads();
  const u32 pivot = words[threadIdx.x];
  u32 all = 0;
#pragma unroll
  for (int i = 0; i < 48; ++i) all += held[i] * (pivot ^ i);
  if (all == 0x5eed5eed && seed == 1) sink[0] = all;
}

// Reads memory: where nobody writes to it, and it is twice as large as the L2 cache, that holds nothing dirty afterwards.
extern "C" __global__ void kopt_read(const uint4* from, u64 count, u32* sink) {
  u32 all = 0;
  for (u64 i = first(); i < count; i += step()) {
    const uint4 v = __ldcg(from + i);
    all ^= v.x ^ v.y ^ v.z ^ v.w;
  }
  if (all == 0x5eed5eed) sink[0] = all;
}

extern "C" __global__ void kopt_empty() {}

// Cycles of the multiprocessor's clock, and nanoseconds, over about `cycles` cycles.
extern "C" __global__ void kopt_clock(u64 cycles, u64* out) {
  u64 begin, end;
  const u64 start = clock64();
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(begin)::"memory");
  while (clock64() - start < cycles) {
  }
  const u64 stop = clock64();
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(end)::"memory");
  if (threadIdx.x == 0) {
    out[0] = stop - start;
    out[1] = end - begin;
  }
}
