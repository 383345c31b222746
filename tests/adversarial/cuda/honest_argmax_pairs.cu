// expect: measured:
// spec: argmax.spec
// Pairs of a value and its place, combined by shuffles and in shared memory; of equal values the first place wins.
//@ launch argmax grid(R) block(128) args(x, best, C)

struct Pair {
  float value;
  int place;
  __device__ void Take(Pair other) {
    if (other.value > value || (other.value == value && other.place < place)) *this = other;
  }
};
extern "C" __global__ void argmax(const float* x, int* best, int C) {
  __shared__ Pair warps[4];
  Pair mine{-INFINITY, INT_MAX};
  for (int c = threadIdx.x; c < C; c += 128) mine.Take({x[(long long)blockIdx.x * C + c], c});
  for (int by = 16; by > 0; by /= 2)
    mine.Take({__shfl_xor_sync(0xffffffffu, mine.value, by), __shfl_xor_sync(0xffffffffu, mine.place, by)});
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = mine;
  __syncthreads();
  if (threadIdx.x > 0) return;
  for (int i = 1; i < 4; ++i) mine.Take(warps[i]);
  best[blockIdx.x] = mine.place;
}
