// expect: measured:
// spec: scan_rows.spec
// Cooperative groups' own prefix sums: a warp goes along a row, and its last lane says what to carry on.
//@ launch scan grid(R) block(32) args(x, y, C)

#include <cooperative_groups.h>
#include <cooperative_groups/scan.h>
namespace cg = cooperative_groups;
extern "C" __global__ void scan(const int* x, int* y, int C) {
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  const long long row = (long long)blockIdx.x * C;
  int carry = 0;
  for (int begin = 0; begin < C; begin += 32) {
    const int c = begin + (int)warp.thread_rank();
    const int sum = carry + cg::inclusive_scan(warp, c < C ? x[row + c] : 0, cg::plus<int>());
    if (c < C) y[row + c] = sum;
    carry = warp.shfl(sum, 31);
  }
}
