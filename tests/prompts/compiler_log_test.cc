#include "prompts/compiler_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace kopt {
namespace {

TEST(CompilerLog, TheFirstErrorHasItsContext) {
  EXPECT_EQ(ErrorsOf("candidate.cpp:2:7: warning: unused variable 'a'\n"
                     "    2 |   int a;\n"
                     "candidate.cpp: In function 'void f(float*)':\n"
                     "candidate.cpp:7:3: error: 'sum' was not declared in this scope\n"
                     "    7 |   sum += x[i];\n"
                     "      |   ^~~\n"
                     "candidate.cpp:9:1: error: expected '}'\n"
                     "    9 | }\n"),
            "candidate.cpp: In function 'void f(float*)':\n"
            "candidate.cpp:7:3: error: 'sum' was not declared in this scope\n"
            "    7 |   sum += x[i];\n"
            "      |   ^~~\n"
            "candidate.cpp:9:1: error: expected '}'\n");
}

TEST(CompilerLog, ReadsNvrtc) {
  EXPECT_EQ(ErrorsOf("candidate.cu(3): warning #177-D: variable \"a\" was declared but never referenced\n"
                     "    int a;\n"
                     "candidate.cu(7): error: identifier \"sum\" is undefined\n"
                     "    sum += x[i];\n"
                     "    ^\n"
                     "\n"
                     "1 error detected in the compilation of \"candidate.cu\".\n"),
            "candidate.cu(7): error: identifier \"sum\" is undefined\n"
            "    sum += x[i];\n"
            "    ^\n"
            "\n"
            "1 error detected in the compilation of \"candidate.cu\".\n");
  EXPECT_EQ(ErrorsOf("ptxas info    : 1 bytes gmem\nptxas error   : Entry function 'f' uses too much shared data\n"),
            "ptxas error   : Entry function 'f' uses too much shared data\n");
}

TEST(CompilerLog, FurtherErrorsAreCounted) {
  std::string log;
  for (int i = 0; i < 100; ++i) log += fmt::format("candidate.cpp:{}:1: error: no\n  note\n", i);
  const std::string text = ErrorsOf(log);
  EXPECT_TRUE(text.starts_with("candidate.cpp:0:1: error: no\n  note\ncandidate.cpp:1:1: error: no\ncandidate.cpp:2"));
  EXPECT_TRUE(text.ends_with("candidate.cpp:12:1: error: no\n[... 87 more errors]\n"));
}

TEST(CompilerLog, LongLinesAreCut) {
  const std::string text = ErrorsOf("a.cpp:1:1: error: " + std::string(10'000, 'x'));
  EXPECT_LT(text.size(), 320U);
  EXPECT_TRUE(text.ends_with("xxx ...\n"));
}

TEST(CompilerLog, WithoutErrorsItStays) {
  EXPECT_EQ(ErrorsOf("ptxas info    : Used 40 registers\n"), "ptxas info    : Used 40 registers\n");
  EXPECT_EQ(ErrorsOf(""), "");
}

}  // namespace
}  // namespace kopt
