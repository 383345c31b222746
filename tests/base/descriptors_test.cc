// Descriptors that are sent along, and what happens when there are too many.
#include "base/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/process.h"

namespace kopt {
namespace {

class DescriptorsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_), 0);
  }
  void TearDown() override {
    setrlimit(RLIMIT_NOFILE, &before_);
    close(ends_[0]);
    close(ends_[1]);
  }
  // Sends three descriptors with a byte; those that arrive.
  bool Pass(std::vector<int>& arrived) {
    const std::byte sent{7};
    const int in = STDIN_FILENO;
    EXPECT_TRUE(SendDescriptors(ends_[0], std::span(&sent, 1), std::vector<int>{in, in, in}));
    std::byte got{};
    errno = 0;
    return ReceiveDescriptors(ends_[1], std::span(&got, 1), arrived);
  }
  static void Limit(rlim_t most) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = most;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

  rlimit before_{};
  int ends_[2] = {-1, -1};
};

TEST_F(DescriptorsTest, Arrive) {
  std::vector<int> arrived;
  ASSERT_TRUE(Pass(arrived));
  ASSERT_EQ(arrived.size(), 3U);
  for (const int descriptor : arrived) EXPECT_EQ(close(descriptor), 0);
}

TEST_F(DescriptorsTest, TooManyAreAnErrorAndNoneStaysOpen) {
  const int next = dup(STDIN_FILENO);
  ASSERT_GE(next, 0);
  close(next);
  Limit(static_cast<rlim_t>(next) + 2);  // room for two of three
  std::vector<int> arrived;
  EXPECT_FALSE(Pass(arrived));
  EXPECT_EQ(errno, EMFILE);
  EXPECT_TRUE(arrived.empty());
  const int again = dup(STDIN_FILENO);
  EXPECT_EQ(again, next);
  close(again);
}

TEST_F(DescriptorsTest, TheLimitCanBeRaised) {
  Limit(20);
  EXPECT_EQ(RaiseDescriptorLimit(), before_.rlim_max);
  rlimit now{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, before_.rlim_max);
}

}  // namespace
}  // namespace kopt
