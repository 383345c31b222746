#include "task/screen.h"

#include <gtest/gtest.h>

namespace kopt {
namespace {

std::string Raw(std::string source) {
  Candidate candidate{.file = "a.cpp", .source = std::move(source)};
  auto screened = ScreenCpuSource(candidate);
  return screened ? "ok" : screened.error().Text();
}
std::string Preprocessed(std::string_view text) {
  auto screened = ScreenPreprocessed(text, "a.cpp");
  return screened ? "ok" : screened.error().Text();
}

constexpr char kAttribute[] =
    ": the attribute `optimize` changes the compiler's options; remove it: every candidate is compiled with the same "
    "options";
constexpr char kPragma[] =
    ": `#pragma GCC optimize` changes the compiler's options; remove it: every candidate is compiled with the same "
    "options";

TEST(ScreenTest, LetsHonestCodePass) {
  EXPECT_EQ(Raw("#include <cmath>\n#include <immintrin.h>\n#if __has_include(<omp.h>)\n#include <omp.h>\n#endif\n"
                "#ifdef __has_include\n#endif\n#if defined(__has_include) && 1\n#endif\n"
                "#pragma GCC target(\"avx2\")\n#pragma omp parallel for\n#pragma GCC ivdep\n#pragma GCC unroll 4\n"
                "#pragma once\n_Pragma(\"omp simd\") _Pragma(\"GCC unroll 4\")\n"
                "#define P(x) _Pragma(#x)\n#define OPT optimize\n"
                "__attribute__((always_inline, target(\"avx512f\"))) [[gnu::noinline]] [[likely]]\n"
                "int optimize = a[b[0]]; // __attribute__((optimize(\"O3\")))\n"
                "/* #line 3 */ const char* s = \"#pragma GCC optimize\\\n#line 7\\n\";\n"
                "auto r = R\"x(\n#line 5\n#pragma GCC optimize \"O3\"\n)x\";\nchar c = '\"'; int n = 1'000;\n"),
            "ok");
}

TEST(ScreenTest, RefusesTheOptimizePragmaInEverySpelling) {
  EXPECT_EQ(Raw("int x;\n  #pragma GCC optimize(\"fast-math\")\n"), std::string("a.cpp:2:3") + kPragma);
  EXPECT_EQ(Raw("# /* a\n */ pragma /**/ GCC \\\n optimize \"O3\"\n"), std::string("a.cpp:1:1") + kPragma);
  EXPECT_EQ(Raw("%:pragma GCC opt\\\nimize \"O3\"\n"), std::string("a.cpp:1:1") + kPragma);
  EXPECT_EQ(Raw("/*\n*/ #pragma GCC optimize \"O3\"\n"), std::string("a.cpp:2:4") + kPragma);
  EXPECT_EQ(Raw("int y; _Pragma(\"GCC optimize \\\"O3\\\"\")\n"), std::string("a.cpp:1:8") + kPragma);
  EXPECT_EQ(Raw("_Pragma(LR\"(GCC optimize \"O3\")\")\n"), std::string("a.cpp:1:1") + kPragma);
  EXPECT_EQ(Raw("#define FAST _Pragma(\"GCC optimize(3)\")\n"), std::string("a.cpp:1:14") + kPragma);
}

TEST(ScreenTest, RefusesOtherPragmasThatMatter) {
  EXPECT_EQ(Raw("#pragma STDC FP_CONTRACT ON\n"),
            "a.cpp:1:1: `#pragma STDC FP_CONTRACT` changes how floating point is evaluated; remove it: every candidate "
            "is compiled with the same options");
  EXPECT_EQ(Raw("#pragma GCC pch_preprocess \"x\"\n"),
            "a.cpp:1:1: `#pragma GCC pch_preprocess` is not allowed; allowed: diagnostic, ivdep, unroll, target, "
            "push_options, pop_options, reset_options, poison, error, warning, visibility");
  EXPECT_NE(Raw("#pragma GCC system_header\n"), "ok");
  EXPECT_NE(Raw("#pragma GCC dependency \"/etc/passwd\"\n"), "ok");
}

TEST(ScreenTest, RefusesTheOptimizeAttributeInEverySpelling) {
  EXPECT_EQ(Raw("__attribute__((optimize(\"O3\"))) void f();\n"), std::string("a.cpp:1:16") + kAttribute);
  EXPECT_EQ(Raw("__attribute (( noinline, __optimize__ (3)))\n"), std::string("a.cpp:1:26") + kAttribute);
  EXPECT_EQ(Raw("[[gnu::optimize(\"O3\")]] void f();\n"), std::string("a.cpp:1:8") + kAttribute);
  EXPECT_EQ(Raw("[ /**/ [ using gnu : noinline, optimize(1) ] ]\n"), std::string("a.cpp:1:32") + kAttribute);
  EXPECT_EQ(Raw("<:<:__gnu__::__optimize__(1):>:>\n"), std::string("a.cpp:1:14") + kAttribute);
  EXPECT_EQ(Raw("#define FAST __attribute__((opti\\\nmize(1)))\n"), std::string("a.cpp:1:29") + kAttribute);
}

TEST(ScreenTest, RefusesForgedPlaces) {
  const char* kReason = "would change the file and line that messages name";
  for (const char* source : {"#line 5\n", " # line X\n", "# 7 \"a.cpp\"\n", "#7\n", "/**/ %: \\\n line 3\n"})
    EXPECT_NE(Raw(source).find(kReason), std::string::npos) << source;
}

TEST(ScreenTest, RefusesHeadersByPath) {
  EXPECT_EQ(Raw("#include \"/etc/passwd\"\n"),
            "a.cpp:1:10: \"/etc/passwd\" is an absolute path (at `include`); include standard headers by their names");
  EXPECT_EQ(
      Raw("#include <x/../../etc/passwd>\n"),
      "a.cpp:1:10: <x/../../etc/passwd> leaves its folder (at `include`); include standard headers by their names");
  EXPECT_EQ(Raw("#define H </etc/passwd>\n#include H\n"),
            "a.cpp:2:2: the header of `include` is not written out, as in <cmath>");
  EXPECT_NE(Raw("#include_next </etc/passwd>\n"), "ok");
  EXPECT_NE(Raw("#import \"/etc/passwd\"\n"), "ok");
  EXPECT_NE(Raw("#inc\\\nlude\\\n\"/etc/passwd\"\n"), "ok");
  EXPECT_NE(Raw("#if 1\n#elif __has_include(\"/etc/passwd\")\n#endif\n"), "ok");
  EXPECT_NE(Raw("#if __has_include (<../x>)\n#endif\n"), "ok");
  EXPECT_NE(Raw("#if __has_include(H)\n#endif\n"), "ok");
  EXPECT_EQ(Raw("#embed <x>\n"), "a.cpp:1:2: `#embed` reads a file into the program; remove it");
}

TEST(ScreenTest, SeesWhatMacrosMade) {
  EXPECT_EQ(
      Preprocessed("# 0 \"a.cpp\"\n# 1 \"candidate.cpp\"\n\n__attribute__((optimize(3)))\n"),
      "a.cpp:2: the attribute `optimize` changes the compiler's options (after macros); remove it: every candidate "
      "is compiled with the same options");
  EXPECT_EQ(
      Preprocessed("# 40 \"candidate.cpp\"\n#pragma GCC optimize \"O3\"\n"),
      "a.cpp:40: `#pragma GCC optimize` changes the compiler's options (after macros); remove it: every candidate "
      "is compiled with the same options");
  EXPECT_EQ(Preprocessed("# 1 \"/usr/include/x.h\" 1 3\n[[gnu::optimize(1)]] int f();\n# 2 \"candidate.cpp\" 2\n"),
            "a.cpp: the attribute `optimize` changes the compiler's options (through a macro in `/usr/include/x.h`); "
            "remove it: every candidate is compiled with the same options");
}

TEST(ScreenTest, LetsHonestHeadersPass) {
  EXPECT_EQ(Preprocessed("# 1 \"/usr/include/c++/12/cmath\" 1 3\n#pragma GCC system_header\n"
                         "# 1 \"/usr/include/c++/12/experimental/bits/simd_detail.h\" 3\n"
                         "[[__gnu__::__optimize__(\"finite-math-only,no-signed-zeros\")]]\n"
                         "# 3 \"candidate.cpp\" 2\nauto r = R\"(\n# 1 \"/usr/include/x.h\"\n)\";\n"),
            "ok");
}

TEST(ScreenTest, ARawStringForgesNoMarker) {
  EXPECT_EQ(
      Preprocessed("# 3 \"candidate.cpp\"\nauto r = R\"(\n# 90 \"/usr/x.h\"\n)\";\n#pragma GCC optimize 3\n"),
      std::string("a.cpp:6: `#pragma GCC optimize` changes the compiler's options (after macros); remove it: every "
                  "candidate is compiled with the same options"));
}

TEST(ScreenTest, BoundsWhatMacrosExpandTo) {
  EXPECT_EQ(Preprocessed(std::string((64 << 20) + 1, ' ')),
            "a.cpp: after preprocessing the source has more than 67108864 bytes; include less, expand fewer macros");
}

TEST(ScreenTest, TakesLinearTime) {
  for (std::string piece : {"[[", "R\"", "__attribute__((", "/*", "\\\n", "\"", "'", "_Pragma(\"", "<:", "#"}) {
    std::string text;
    while (text.size() < (1 << 15)) text += piece;
    Raw(text);
    Preprocessed(text);
  }
}

}  // namespace
}  // namespace kopt
