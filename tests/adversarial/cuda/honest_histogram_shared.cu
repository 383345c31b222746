// expect: measured:
// spec: histogram.spec
// Every block counts in shared memory and adds what it has to the zeroed output: integers, so any order is right.
//@ zero bin
//@ launch count grid(min(SMS, ceil_div(N, 1024))) block(256) args(x, bin, N)

extern "C" __global__ void count(const unsigned char* x, unsigned* bin, int N) {
  __shared__ unsigned own[8][256];  // a histogram for each warp
  for (int i = threadIdx.x; i < 2048; i += 256) own[i / 256][i % 256] = 0;
  __syncthreads();
  unsigned* mine = own[threadIdx.x / 32];
  for (int i = blockIdx.x * 256 + threadIdx.x; i < N; i += gridDim.x * 256) atomicAdd(&mine[x[i]], 1u);
  __syncthreads();
  unsigned sum = 0;
  for (int i = 0; i < 8; ++i) sum += own[i][threadIdx.x];
  if (sum > 0) atomicAdd(&bin[threadIdx.x], sum);
}
