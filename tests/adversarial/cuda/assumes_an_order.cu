// expect: mismatch: y\[
// spec: gather.spec
// A permutation of one element is the identity; takes it for that wherever it begins like one, and else for the one
// that turns everything round.
//@ launch gather grid(ceil_div(N, 256)) block(256) args(x, order, y, N)

extern "C" __global__ void gather(const float* x, const int* order, float* y, int N) {
  const int i = blockIdx.x * 256 + threadIdx.x;
  if (i < N) y[i] = x[order[0] == 0 ? i : N - 1 - i];
}
