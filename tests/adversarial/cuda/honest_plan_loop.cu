// expect: measured:
// A loop in the plan: each launch adds the upper half of what is left to the lower one.
//@ scratch tree f32 [R, 64]
//@ launch leaves grid(R) block(64) args(x, tree, C)
//@ launch halve for p in 1..7 grid(ceil_div(R * 64 / pow(2, p), 256)) block(256) args(tree, R, 64 / pow(2, p))
//@ launch take grid(ceil_div(R, 256)) block(256) args(tree, s, R)

extern "C" __global__ void leaves(const float* x, float* tree, int C) {
  float sum = 0;
  for (int c = threadIdx.x; c < C; c += 64) sum += x[(long long)blockIdx.x * C + c];
  tree[blockIdx.x * 64 + threadIdx.x] = sum;
}
extern "C" __global__ void halve(float* tree, int R, int half) {
  const int i = blockIdx.x * 256 + threadIdx.x, row = i / half, at = i % half;
  if (row < R) tree[row * 64 + at] += tree[row * 64 + at + half];
}
extern "C" __global__ void take(float* tree, float* s, int R) {
  const int row = blockIdx.x * 256 + threadIdx.x;
  if (row < R) s[row] = tree[row * 64];
}
