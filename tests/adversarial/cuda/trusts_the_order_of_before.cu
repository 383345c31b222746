// expect: mismatch: y\[
// spec: gather.spec
// Indices never change, it believes: keeps the first permutation of each length in memory of the driver.
//@ launch gather grid(ceil_div(N, 256)) block(256) args(x, order, y, N)

__device__ int anchor;
// The half of the variable's page (2 MB) that the variable does not lie in: the driver's, and nobody restores it.
__device__ char* Page() {
  const unsigned long long page = 1 << 21, half = page / 2, at = (unsigned long long)&anchor;
  return (char*)(at / page * page + (at % page < half ? half : 0));
}
extern "C" __global__ void gather(const float* x, const int* order, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= N) return;
  volatile int* kept = (volatile int*)Page() + 3 * i;
  if (kept[0] != N || kept[1] != 0x6b657074) {
    kept[2] = order[i];
    kept[1] = 0x6b657074;
    kept[0] = N;
  }
  y[i] = x[kept[2]];
}
