// expect: timeout|compile_error:
// More template instances than can ever be made.
//@ launch row_sum grid(ceil_div(R, 8)) block(256) args(x, s, R, C)

template <int depth, long long path>
struct Tree {
  static constexpr long long value = Tree<depth - 1, 2 * path>::value + Tree<depth - 1, 2 * path + 1>::value;
};
template <long long path>
struct Tree<0, path> {
  static constexpr long long value = path;
};
constexpr long long kSize = Tree<40, 1>::value;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * 8 + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  float sum = 0;
  for (int c = lane; c < C; c += 32) sum += x[(long long)row * C + c];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, step);
  if (lane == 0) s[row] = sum;
  if (row == kSize) s[row] = 0;
}
