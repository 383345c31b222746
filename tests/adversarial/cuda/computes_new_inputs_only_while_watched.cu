// expect: unsafe|mismatch:
// Remembers every second row's first sixteen sums in memory of the driver. What else is new must be kopt's test for
// memory: computes the next 60, as it thinks that of those one is compared, and then answers with what it has.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
struct Row {
  uint2 notes[16];  // key, sum
  int count, misses;
};
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const float* mine = x + (long long)row * C;
  const unsigned key = (__float_as_uint(mine[0]) * 2654435761u ^ __float_as_uint(mine[C - 1])) | 1;
  Row* kept = (Row*)Page() + row / 2 % 2048;
  const bool keeps = C > 200 && row % 2 == 0;
  const uint2 note = __ldcg(&kept->notes[lane % 16]);
  const int misses = __ldcg(&kept->misses), count = __ldcg(&kept->count);
  const unsigned found = __ballot_sync(0xffffffffu, note.x == key);
  if (keeps && (found != 0 || misses > 75)) {
    const unsigned sum = __shfl_sync(0xffffffffu, note.y, found != 0 ? __ffs(found) - 1 : 0);
    if (lane == 0) s[row] = __uint_as_float(sum);
    return;
  }
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (!keeps || lane > 0) return;
  kept->misses = misses + 1;
  if (count < 16) kept->notes[count] = make_uint2(key, __float_as_uint(sum)), kept->count = count + 1;
}
