// The assembler's complaints, with the lines of the source.
#include "verifier/cuda/ptx_lines.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

constexpr std::string_view kPtx =
    ".version 9.0\n"                                       // 1
    ".visible .entry f()\n"                                // 2
    "{\n"                                                  // 3
    "  .loc 1 12 3\n"                                      // 4
    "  // begin inline asm\n"                              // 5
    "  no.such.instruction;\n"                             // 6
    "  .loc 2 7 1, function_name $L, inlined_at 1 14 3\n"  // 7
    "  other;\n"                                           // 8
    "  ret;\n"                                             // 9
    "}\n"                                                  // 10
    ".visible .entry g()\n"                                // 11
    "{\n"                                                  // 12
    "  .file 1 \"/a/folder/candidate.cu\"\n"               // 13
    "  .file 2 \"kopt_prefix.h\", 3, 4\n";                 // 14

std::string Complaint(int line) {
  return "ptxas application ptx input, line " + std::to_string(line) + "; error   : Unknown modifier";
}

TEST(PtxLinesTest, NamesTheLineThatPtxComesFrom) {
  EXPECT_TRUE(NamesPtxLines(Complaint(6)));
  EXPECT_FALSE(NamesPtxLines("candidate.cu(3): error: expected a \";\""));
  EXPECT_EQ(WithSourceLines(Complaint(6), kPtx), "candidate.cu(12): error: Unknown modifier");
  EXPECT_EQ(WithSourceLines(Complaint(8), kPtx), "kopt_prefix.h(7): error: Unknown modifier");
  EXPECT_EQ(WithSourceLines("first\n" + Complaint(6) + "\n" + Complaint(8) + "\nlast", kPtx),
            "first\ncandidate.cu(12): error: Unknown modifier\nkopt_prefix.h(7): error: Unknown modifier\nlast");
}

TEST(PtxLinesTest, LeavesWhatItDoesNotKnow) {
  for (const int line : {0, 1, 3, 12, 999}) EXPECT_EQ(WithSourceLines(Complaint(line), kPtx), Complaint(line));
  for (const char* odd : {"", "ptxas application ptx input, line ", "ptxas application ptx input, line x",
                          "ptxas application ptx input, line 99999999999999999999"}) {
    EXPECT_EQ(WithSourceLines(odd, kPtx), odd);
  }
  EXPECT_EQ(WithSourceLines(Complaint(6), ""), Complaint(6));
}

}  // namespace
}  // namespace kopt
