#include "agent/search/permutation.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <vector>

namespace kopt {
namespace {

std::vector<uint64_t> Order(uint64_t size, uint64_t seed) {
  const Permutation permutation(size, seed);
  std::vector<uint64_t> order;
  for (uint64_t i = 0; i < size; ++i) order.push_back(permutation.At(i));
  return order;
}

TEST(Permutation, VisitsEveryElementOnce) {
  for (uint64_t size : {1, 2, 3, 5, 16, 17, 36, 1000, 4097}) {
    const auto order = Order(size, 7);
    const std::set<uint64_t> distinct(order.begin(), order.end());
    EXPECT_EQ(distinct.size(), size);
    EXPECT_LT(*distinct.rbegin(), size);
  }
}

TEST(Permutation, IsReproducibleAndDependsOnTheSeed) {
  EXPECT_EQ(Order(100, 1), Order(100, 1));
  EXPECT_NE(Order(100, 1), Order(100, 2));
}

TEST(Permutation, DoesNotFavourPlaces) {
  // Each element of 8 should come first about 1000 times in 8000 seeds; 5 standard deviations are 150.
  std::vector<int> first(8);
  for (uint64_t seed = 0; seed < 8000; ++seed) ++first[Permutation(8, seed).At(0)];
  for (int count : first) EXPECT_NEAR(count, 1000, 150);
}

TEST(Permutation, WorksForHugeSpaces) {
  const uint64_t huge = std::numeric_limits<long long>::max();
  const Permutation permutation(huge, 3);
  std::set<uint64_t> seen;
  for (uint64_t i = 0; i < 1000; ++i) seen.insert(permutation.At(i));
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_LT(*seen.rbegin(), huge);
  EXPECT_GT(*seen.rbegin(), huge / 2);
}

}  // namespace
}  // namespace kopt
