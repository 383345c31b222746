// expect: measured:
// Cooperative groups: tiles of 16 lanes with their own reduction, one row each.
//@ launch row_sum grid(ceil_div(R, 8)) block(128) args(x, s, R, C)

#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
extern "C" __global__ void row_sum(const float* x, float* s, int R, int C) {
  const auto block = cg::this_thread_block();
  const auto tile = cg::tiled_partition<16>(block);
  const int row = (int)(block.group_index().x * tile.meta_group_size() + tile.meta_group_rank());
  if (row >= R) return;
  float sum = 0;
  for (int c = (int)tile.thread_rank(); c < C; c += (int)tile.size()) sum += x[(long long)row * C + c];
  sum = cg::reduce(tile, sum, cg::plus<float>());
  cg::invoke_one(tile, [&] { s[row] = sum; });
}
