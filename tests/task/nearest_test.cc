#include "task/nearest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kopt {
namespace {

const std::vector<std::string> kKeys = {"name", "dtype", "shape", "fill", "strides"};

TEST(Nearest, FindsSlips) {
  EXPECT_EQ(Nearest("nmae", kKeys), "name");
  EXPECT_EQ(Nearest("shapes", kKeys), "shape");
  EXPECT_EQ(Nearest("DTYPE", kKeys), "dtype");
  EXPECT_EQ(Nearest("fil", kKeys), "fill");
  EXPECT_EQ(Nearest("stride", kKeys), "strides");
}

TEST(Nearest, NothingIsNear) {
  EXPECT_EQ(Nearest("permutation", kKeys), "");
  EXPECT_EQ(Nearest("", kKeys), "");
  EXPECT_EQ(Nearest("fill", {}), "");
  EXPECT_EQ(Nearest(std::string(100000, 'f'), kKeys), "");
}

TEST(Nearest, Hint) {
  EXPECT_EQ(NearestHint("fil", kKeys), "did you mean `fill`?");
  EXPECT_EQ(NearestHint("zzz", kKeys), "it can be `name`, `dtype`, `shape`, `fill`, `strides`");
  EXPECT_EQ(NearestHint("zzz", {}), "");
}

TEST(Shown, CutsAndCleans) {
  EXPECT_EQ(Shown("a\nb\x1b[31m"), "a?b?[31m");
  EXPECT_EQ(Shown(std::string(100, 'x'), 4), "xxxx...");
  EXPECT_EQ(Shown("h\xc3\xa9llo", 2), "h...");
}

}  // namespace
}  // namespace kopt
