#include "verifier/cpu/vectorised.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

using Loops = std::vector<VectorisedLoop>;

TEST(VectorisedTest, TakesTheLoopsOfTheCandidate) {
  const Loops loops = ParseVectorised(
      "candidate.cpp:41:9: optimized: loop vectorized using 32 byte vectors\n"
      "candidate.cpp:4:44: optimized: loop vectorized using 16 byte vectors\n"
      "candidate.cpp:4:44: optimized: loop vectorized using 32 byte vectors\n"
      "candidate.cpp:4:12: optimized: loop vectorized using 32 byte vectors\n"
      "candidate.cpp:5:21: optimized:  loop versioned for vectorization because of possible aliasing\n"
      "candidate.cpp:6:21: optimized: basic block part vectorized using 32 byte vectors\n"
      "/usr/include/c++/12/bits/stl_algo.h:7:1: optimized: loop vectorized using 32 byte vectors\n"
      "prefix.h:8:1: optimized: loop vectorized using 32 byte vectors\n"
      "candidate.cpp:9:1: warning: optimized: loop vectorized using 32 byte vectors\n"
      "candidate.cpp: optimized: loop vectorized using 32 byte vectors");
  EXPECT_EQ(loops, (Loops{{4, 16}, {4, 32}, {41, 32}}));
  EXPECT_EQ(ParseVectorised(""), Loops());
}

TEST(VectorisedTest, KeepsFifty) {
  std::string log;
  for (int i = 80; i > 0; --i)
    log += "candidate.cpp:" + std::to_string(i) + ":1: optimized: loop vectorized using 8 byte vectors\n";
  const Loops loops = ParseVectorised(log);
  ASSERT_EQ(loops.size(), 50U);
  EXPECT_EQ(loops.back().line, 50);
}

TEST(VectorisedTest, IsEvidence) {
  EXPECT_EQ(Json({{4, 16}, {4, 32}}).dump(), R"([{"line":4,"bytes":16},{"line":4,"bytes":32}])");
  EXPECT_EQ(Json({}).dump(), "[]");
}

}  // namespace
}  // namespace kopt
