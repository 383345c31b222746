// PTX with warps that are late at random.
#include "verifier/cuda/late_warps.h"

#include <gtest/gtest.h>

#include <string>

namespace kopt {
namespace {

constexpr std::string_view kSleep = "nanosleep";

size_t SleepsIn(std::string_view text) {
  size_t count = 0;
  for (size_t at = text.find(kSleep); at != text.npos; at = text.find(kSleep, at + 1)) ++count;
  return count;
}

// What stands directly behind the only sleep.
std::string Slept(std::string_view ptx) {
  const std::string late = WithLateWarps(ptx);
  EXPECT_EQ(SleepsIn(late), 1U) << late;
  const size_t end = late.find("} ", late.find(kSleep));
  return end == std::string::npos ? "" : late.substr(end + 2);
}

TEST(LateWarpsTest, SleepsBeforeWhatRacesComeFrom) {
  for (const std::string text :
       {"ld.shared.u32 %r1, [%r2];\n", "st.global.v4.f32 [%rd1], {%f1, %f2, %f3, %f4};\n", "bar.sync 0;\n",
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2, %r3, %r4}, [%r5];\n", "red.global.add.u32 [%rd1], 1;\n",
        "cp.async.cg.shared.global [%r1], [%rd1], 16;\n", "wgmma.fence.sync.aligned;\n",
        "@%p1 st.shared.u8 [%r1], %r2;\n", "mbarrier.arrive.shared::cta.b64 _, [%r1];\n",
        "atom.acq_rel.gpu.global.add.u32 %r1, [%rd1], 1;\n"}) {
    EXPECT_EQ(Slept("\t" + text), text);
  }
}

TEST(LateWarpsTest, LeavesTheRestAsItIs) {
  for (const std::string text :
       {"", "no PTX", "add.s32 %r1, %r2, %r3;\n", "ld.param.u64 %rd1, [f_param_0];\n", "st.local.u32 [%rd1], %r1;\n",
        "ld.global.nc.v4.u32 {%r1, %r2, %r3, %r4}, [%rd1];\n", "// ld.shared.u32 %r1, [%r2];\n",
        "/* bar.sync 0;\nbar.sync 0; */\n", ".file 1 \"bar.sync 0;\"\n", "\"x\" bar.sync 0;\n", ".loc 1 2 3\n",
        "$L__BB0_1:\n", "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1, %f2}, %rd1, %rd2, 1, 1, 1;\n",
        "ret;"}) {
    EXPECT_EQ(WithLateWarps(text), text);
  }
}

TEST(LateWarpsTest, GoesOnBehindAComment) {
  EXPECT_EQ(Slept("/* bar.sync 0;\nbar.sync 0; */\nbar.sync 1;\n"), "bar.sync 1;\n");
  EXPECT_EQ(Slept("/* */ /* bar.sync 0;\n*/\nbar.sync 1;\n"), "bar.sync 1;\n");
}

TEST(LateWarpsTest, ReadsWhateverFormItHas) {
  for (const std::string text :
       {"L: bar.sync 1;\n", "{.reg .pred p; bar.sync 1;}\n", ".reg .pred p; bar.sync 1;\n", "/* // */\nbar.sync 1;\n",
        "add.s32 %r1, %r2, %r3; .pragma \"nounroll\"; bar.sync 1;\n", ".loc 1 2 3\nbar.sync 1;\n",
        "call.uni (retval0), ldmatrix, (param0);\nbar.sync 1;\n",
        "call.uni\n(retval0),\nldmatrix,\n(\n);\nbar.sync 1;\n"}) {
    EXPECT_EQ(Slept(text).substr(0, 10), "bar.sync 1") << text;
  }
  EXPECT_EQ(Slept("st .shared .u32 [%r1], %r2;\n"), "st .shared .u32 [%r1], %r2;\n");
  EXPECT_EQ(Slept("@%p1\nbar.sync 1;\n"), "@%p1\nbar.sync 1;\n");
  EXPECT_EQ(Slept("ld.shared::cta.u32 %r1, [%r2];\nld.shared::cta.u32 %r3, [%r4];\n").substr(0, 14), "ld.shared::cta");
}

TEST(LateWarpsTest, SleepsOnceInARunOfOneKindAndAtEveryBarrier) {
  const std::string read = "ld.shared.u32 %r1, [%r2];\n", add = "add.s32 %r1, %r1, %r2;\n";
  EXPECT_EQ(SleepsIn(WithLateWarps(read + add + read + add + read)), 1U);
  EXPECT_EQ(SleepsIn(WithLateWarps(read + "$L__BB0_1:\n" + read)), 2U);
  EXPECT_EQ(SleepsIn(WithLateWarps(read + "st.shared.u32 [%r2], %r1;\n" + read)), 3U);
  EXPECT_EQ(SleepsIn(WithLateWarps("bar.sync 0;\nbar.sync 0;\n")), 2U);
}

TEST(LateWarpsTest, FindsInstructionsOfInlineAssembly) {
  EXPECT_EQ(Slept("{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%r1], %r2; selp.u32 %r3, 1, 0, p;}\n"),
            "mbarrier.try_wait.parity.shared::cta.b64 p, [%r1], %r2; selp.u32 %r3, 1, 0, p;}\n");
  EXPECT_EQ(Slept("add.s32 %r1, %r2, %r3; bar.sync 1, 128; // a comment; bar.sync 0;\n"),
            "bar.sync 1, 128; // a comment; bar.sync 0;\n");
}

}  // namespace
}  // namespace kopt
