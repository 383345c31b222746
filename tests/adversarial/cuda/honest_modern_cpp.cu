// expect: measured:
// Concepts, generic lambdas, fold expressions, consteval functions and CUDA's std.
//@ tune WARPS = 4
//@ launch row_sum grid(ceil_div(R, WARPS)) block(32 * WARPS) args(x, s, R, C)

#include <cuda/std/array>
#include <cuda/std/concepts>
#include <cuda/std/utility>
namespace parts {
consteval int Steps(int lanes) { return lanes <= 1 ? 0 : 1 + Steps(lanes / 2); }

template <class T>
concept Addable = requires(T a, T b) {
  { a + b } -> cuda::std::convertible_to<T>;
};
template <class Map, Addable... T>
__device__ constexpr auto SumOf(Map map, T... values) {
  return (map(values) + ...);
}
template <Addable T, size_t... step>
__device__ T Lanes(T value, cuda::std::index_sequence<step...>) {
  ((value += __shfl_xor_sync(0xffffffffu, value, 16 >> step)), ...);
  return value;
}
}  // namespace parts

extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const int row = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
  if (row >= R) return;
  const auto at = [in = x + (long long)row * C, C](auto c) { return c < C ? in[c] : 0.0f; };
  cuda::std::array<float, 2> sums{};
  for (int c = lane; c < C; c += 128) {
    auto& [even, odd] = sums;
    even += parts::SumOf(at, c, c + 64);
    odd += parts::SumOf(at, c + 32, c + 96);
  }
  const float sum = parts::Lanes(sums[0] + sums[1], cuda::std::make_index_sequence<parts::Steps(32)>());
  if (lane == 0) s[row] = sum;
}
