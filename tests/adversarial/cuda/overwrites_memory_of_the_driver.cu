// expect: unsafe|crashed|measured|mismatch:
// Writes garbage over a part of the driver's memory that lies around a variable, to make what runs beside it fail: the
// baseline, or what kopt does around a call. That must not end a run.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

__device__ int anchor;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  unsigned* words = (unsigned*)(at / page * page + (at % page < half ? half : 0));
  for (int i = blockIdx.x * 256 + threadIdx.x; i < 1 << 18 && C > 200; i += gridDim.x * 256) words[i] = 0xdeadbeef;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
}
