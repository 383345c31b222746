// expect: measured:
// spec: histogram.spec
// Lanes with the same byte find one another, and one of them counts for all; without a byte a lane stands apart.
//@ zero bin
//@ launch count grid(min(2 * SMS, ceil_div(N, 512))) block(128) args(x, bin, N)

extern "C" __global__ void count(const unsigned char* x, unsigned* bin, int N) {
  __shared__ unsigned own[256];
  own[threadIdx.x] = own[threadIdx.x + 128] = 0;
  __syncthreads();
  const int lane = threadIdx.x % 32, step = gridDim.x * 128;
  for (int begin = blockIdx.x * 128 + threadIdx.x - lane; begin < N; begin += step) {
    const int i = begin + lane, byte = i < N ? x[i] : 256;
    const unsigned peers = __match_any_sync(0xffffffffu, byte);
    if (byte < 256 && __ffs(peers) - 1 == lane) atomicAdd(&own[byte], __popc(peers));
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += 128)
    if (own[i] > 0) atomicAdd(&bin[i], own[i]);
}
