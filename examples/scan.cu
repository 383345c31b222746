// Prefix sums along rows in one pass over memory ("decoupled look-back"), tunable.
//
// A block takes a tile of a row, sums it and publishes the sum at once. Then its first warp looks back over the tiles
// to the left, 32 at a time: it adds up published sums until it meets a tile that already knows the sum of everything
// up to its end. So every element is read once and written once, and no tile waits for more than what it needs.
//
// Tiles are handed out by a counter, not by the block's index: a tile's predecessors have then always been taken by
// blocks that run already, whatever the order in which blocks start, and waiting for them ends.
//
//@ tune BLOCK = 256 | 128 | 512   # threads of a block
//@ tune CHUNKS = 4 | 2 | 8        # vectors of four elements that a thread takes
//@ tune DELAY = 0 | 20 | 100      # nanoseconds between two looks at a tile that has nothing published yet
//@ scratch status u64 [ceil_div(C, 4 * BLOCK * CHUNKS), R]
//@ scratch counter u32 [1]
//@ zero status
//@ zero counter
//@ launch prefix_sum grid(R * ceil_div(C, 4 * BLOCK * CHUNKS)) block(BLOCK) args(x, y, status, counter, R, C)

namespace {

constexpr int kWarps = BLOCK / 32;
constexpr int kTile = 4 * BLOCK * CHUNKS;
constexpr unsigned kAll = 0xffffffff;

// What a tile publishes: one word, so that a reader sees the sum and what it means together.
constexpr unsigned kNothing = 0;  // what `zero` leaves
constexpr unsigned kOwn = 1;      // the sum of this tile
constexpr unsigned kUpTo = 2;     // the sum of this tile and all to its left

__device__ inline void Publish(unsigned long long* status, unsigned meaning, float sum) {
  *(volatile unsigned long long*)status = (unsigned long long)meaning << 32 | __float_as_uint(sum);
}

__device__ inline unsigned long long Look(const unsigned long long* status) {
  return *(const volatile unsigned long long*)status;
}

// Inclusive prefix sums over the lanes of a warp.
__device__ inline float ScanLanes(float value) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int by = 1; by < 32; by *= 2) {
    const float left = __shfl_up_sync(kAll, value, by);
    if (lane >= by) value += left;
  }
  return value;
}

// The sum of all tiles to the left of `tile`, for all lanes of one warp. Tiles of a row are `stride` words apart.
__device__ inline float LookBack(const unsigned long long* status, int tile, int stride) {
  const int lane = threadIdx.x % 32;
  float sum = 0;
  for (int last = tile - 1; last >= 0; last -= 32) {
    const int mine = last - lane;                               // lane 0 has the nearest
    unsigned long long word = (unsigned long long)kUpTo << 32;  // before the row: nothing, and nothing before it
    if (mine >= 0) {
      word = Look(status + (long long)mine * stride);
      while (word >> 32 == kNothing) {
        if (DELAY > 0) __nanosleep(DELAY);
        word = Look(status + (long long)mine * stride);
      }
    }
    __syncwarp();
    const unsigned ends = __ballot_sync(kAll, word >> 32 == kUpTo);
    const int needed = ends != 0 ? __ffs(ends) - 1 : 31;  // lanes 0 to `needed` count
    float part = lane <= needed ? __uint_as_float((unsigned)word) : 0;
#pragma unroll
    for (int by = 16; by > 0; by /= 2) part += __shfl_xor_sync(kAll, part, by);
    sum += part;
    if (ends != 0) break;
  }
  return sum;
}

}  // namespace

extern "C" __global__ void __launch_bounds__(BLOCK)
    prefix_sum(const float* x, float* y, unsigned long long* status, unsigned* counter, int R, int C) {
  __shared__ unsigned shared_number;
  __shared__ float shared_sums[kWarps];
  __shared__ float shared_before;
  if (threadIdx.x == 0) shared_number = atomicAdd(counter, 1u);
  __syncthreads();
  // Neighbours in time are different rows: by the time a row's next tile is taken, its last one has been summed.
  const int row = (int)(shared_number % R), tile = (int)(shared_number / R);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  unsigned long long* mine = status + (long long)tile * R + row;

  // Each warp has a segment of the tile, each chunk of it four elements a lane.
  const int first = tile * kTile + warp * (128 * CHUNKS) + lane * 4;
  const float* in = x + (long long)row * C;
  float* out = y + (long long)row * C;
  const bool vectors = (C % 4 == 0) && ((unsigned long long)x | (unsigned long long)y) % 16 == 0;
  float value[CHUNKS][4];
#pragma unroll
  for (int k = 0; k < CHUNKS; ++k) {
    const int c = first + k * 128;
    if (vectors && c < C) {  // C is a multiple of four: the vector is whole
      const float4 four = *(const float4*)(in + c);
      value[k][0] = four.x;
      value[k][1] = four.y;
      value[k][2] = four.z;
      value[k][3] = four.w;
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) value[k][i] = c < C - i ? in[c + i] : 0;
    }
  }

  // Prefix sums within the segment.
  float before = 0;  // the segment's elements to the left of the chunk
#pragma unroll
  for (int k = 0; k < CHUNKS; ++k) {
#pragma unroll
    for (int i = 1; i < 4; ++i) value[k][i] += value[k][i - 1];
    const float sum = ScanLanes(value[k][3]);
    float left = __shfl_up_sync(kAll, sum, 1);
    if (lane == 0) left = 0;
    left += before;
    before += __shfl_sync(kAll, sum, 31);
#pragma unroll
    for (int i = 0; i < 4; ++i) value[k][i] += left;
  }
  if (lane == 0) shared_sums[warp] = before;
  __syncthreads();

  if (warp == 0) {
    float total = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) total += shared_sums[w];
    if (lane == 0) Publish(mine, tile == 0 ? kUpTo : kOwn, total);
    const float all = LookBack(status + row, tile, R);
    if (lane == 0) {
      if (tile > 0) Publish(mine, kUpTo, all + total);
      shared_before = all;
    }
  }
  __syncthreads();

  float left = shared_before;
  for (int w = 0; w < warp; ++w) left += shared_sums[w];
#pragma unroll
  for (int k = 0; k < CHUNKS; ++k) {
    const int c = first + k * 128;
    if (vectors && c < C) {
      *(float4*)(out + c) = make_float4(value[k][0] + left, value[k][1] + left, value[k][2] + left, value[k][3] + left);
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        if (c < C - i) out[c + i] = value[k][i] + left;
      }
    }
  }
}
