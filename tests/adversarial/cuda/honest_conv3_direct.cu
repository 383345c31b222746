// expect: measured:
// spec: conv3.spec
// One thread for each element; the filter of a block's channel lies in dynamic shared memory.
//@ launch conv3 grid(ceil_div((H - 2) * (W - 2), 128), K) block(128) smem(36 * C) args(x, f, y, C, H, W)

extern "C" __global__ void conv3(const float* x, const float* f, float* y, int C, int H, int W) {
  extern __shared__ float filter[];
  const int channel = blockIdx.y, at = blockIdx.x * 128 + threadIdx.x, height = H - 2, width = W - 2;
  for (int i = threadIdx.x; i < 9 * C; i += 128) filter[i] = f[channel * 9 * C + i];
  __syncthreads();
  if (at >= height * width) return;
  const float* corner = x + at / width * W + at % width;
  float sum = 0;
  for (int c = 0; c < C; ++c) {
#pragma unroll
    for (int i = 0; i < 9; ++i) sum = fmaf(corner[c * H * W + i / 3 * W + i % 3], filter[9 * c + i], sum);
  }
  y[channel * height * width + at] = sum;
}
