// expect: compile_error: Unresolved extern function
// Launches a kernel from the device, to end later than its call.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

extern "C" __device__ void* cudaGetParameterBuffer(unsigned long, unsigned long);
extern "C" __device__ int cudaLaunchDevice(void*, void*, dim3, dim3, unsigned, void*);
__global__ void later(float* s) { s[0] += 0; }
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (row == 0 && lane == 0) cudaLaunchDevice((void*)later, cudaGetParameterBuffer(8, 8), 1, 32, 0, nullptr);
}
