#include "agent/reply.h"

#include <gtest/gtest.h>

#include <chrono>

namespace kopt {
namespace {

using Notes = std::vector<std::string>;

const std::string kCuda =
    "//@ launch f grid(1) block(32) args(x, y)\n"
    "extern \"C\" __global__ void f(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }\n";
const std::string kDraft =
    "//@ launch draft grid(1) block(32) args(x, y)\n"
    "extern \"C\" __global__ void draft(const float* x, float* y) { y[0] = x[0]; }\n";
const std::string kCpu = "//@ call f args(x, y)\nextern \"C\" void f(const float* x, float* y) { y[0] = x[0]; }\n";
const std::string kNoPlan =
    "extern \"C\" __global__ void __launch_bounds__(256) f(const float* x, float* y, int n) {}\n";

FoundCandidate Found(const std::string& reply, const std::string& reasoning = "", Target target = Target::kCuda) {
  auto found = FindCandidate(reply, reasoning, target);
  EXPECT_TRUE(found) << found.error();
  return found ? *found : FoundCandidate{};
}
std::string CodeIn(const std::string& reply) { return Found(reply).code; }

std::string Complaint(const std::string& reply, Target target = Target::kCuda) {
  const auto found = FindCandidate(reply, "", target);
  return found ? "no complaint: " + found->code : found.error();
}

std::string Replaced(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// ---- where it stands ----

TEST(Reply, OneFenceOfAnyKind) {
  for (const std::string info : {"cuda", "cpp", "", "CUDA title=\"a.cu\"", " c++", "{.cpp}", "text"}) {
    const FoundCandidate found = Found("Here it is.\n```" + info + "\n" + kCuda + "```\nIt is fast.\n");
    EXPECT_EQ(found.code, kCuda) << info;
    EXPECT_EQ(found.notes, Notes()) << info;
  }
  EXPECT_EQ(CodeIn("~~~cuda\n" + kCuda + "~~~\n"), kCuda);
  EXPECT_EQ(CodeIn("``````\n" + kCuda + "```\n``````"), kCuda + "```\n") << "a shorter fence is content";
}

TEST(Reply, IndentationIsTakenOff) {
  const std::string indented = "    " + Replaced(kCuda, "\nextern", "\n    extern");
  EXPECT_EQ(CodeIn("1. Do this:\n\n    ```cuda\n" + indented + "    ```\n"), kCuda);
  EXPECT_EQ(CodeIn("- ```cuda\n" + kCuda + "  ```\n"), kCuda);
  EXPECT_EQ(CodeIn("```cuda\n" + Replaced(indented, "    ", "\t") + "```\n"), kCuda);
  EXPECT_EQ(CodeIn("```cuda\n//@ launch f grid(1) block(1)\n  a;\n```\n"), "//@ launch f grid(1) block(1)\n  a;\n");
}

TEST(Reply, TheLastOfSeveralWithAStep) {
  const std::string reply = "A draft:\n```cuda\n" + kDraft + "```\nBetter:\n```cuda\n" + kCuda +
                            "```\nCompile it:\n```bash\nnvcc a.cu\n```\nThe inner loop was\n```cpp\nx += 1;\n```\n";
  const FoundCandidate found = Found(reply);
  EXPECT_EQ(found.code, kCuda);
  EXPECT_EQ(found.notes, (Notes{"of 2 different candidates in the reply the last one, from line 8 on, was taken"}));
}

TEST(Reply, TheSameCandidateTwiceIsOne) {
  const std::string copy = Replaced(kCuda, "{ y", "{\n  y");
  EXPECT_EQ(Found("```\n" + kCuda + "```\n\n```\n" + copy + "```\n").notes, Notes());
}

TEST(Reply, APlanAloneIsNoCandidate) {
  const std::string plan = "//@ launch f grid(1) block(32) args(x, y)\n";
  EXPECT_EQ(CodeIn("```\n" + kCuda + "```\nIts plan again:\n```\n" + plan + "```\n"), kCuda);
  EXPECT_TRUE(Complaint("```\n" + plan + "```\n").starts_with("The block with the plan lines holds no code;"));
}

TEST(Reply, BlocksWithinABlock) {
  EXPECT_EQ(CodeIn("````markdown\n# Answer\n```cuda\n" + kCuda + "```\n````\n"), kCuda);
  EXPECT_EQ(CodeIn("````\n\n```cuda\n" + kCuda + "```\n````\n"), kCuda);
}

TEST(Reply, NoFence) {
  const FoundCandidate found = Found("Here is the kernel.\n\n" + kCuda + "\nThis should be fast,\nI think.\n");
  EXPECT_EQ(found.code, kCuda);
  EXPECT_EQ(found.notes, Notes{"what follows the code was left out"});
  EXPECT_EQ(CodeIn(kCuda), kCuda);
  EXPECT_EQ(CodeIn(kCuda + "\nCompile it:\n```bash\nnvcc a.cu\n```\n"), kCuda);
  EXPECT_EQ(CodeIn("Code:\n#include <cstdint>\n" + kCuda), "#include <cstdint>\n" + kCuda);
  EXPECT_EQ(CodeIn("Code:\n\n    " + Replaced(kCuda, "\nextern", "\n    extern") + "\nDone.\n"), kCuda);
}

TEST(Reply, AnUnclosedFenceIsSaid) {
  const FoundCandidate found = Found("```cuda\n" + kCuda + "  float cut = ");
  EXPECT_EQ(found.code, kCuda + "  float cut = \n");
  EXPECT_EQ(found.notes, Notes{"the reply ended inside the code"});
  EXPECT_EQ(CodeIn("```cuda\n" + kDraft + "\nNo, better:\n```cuda\n" + kCuda + "```\n"), kCuda);
}

TEST(Reply, TheReasoningCountsOnlyIfThereIsNothingElse) {
  const FoundCandidate found = Found("See above.", "```cuda\n" + kCuda + "```");
  EXPECT_EQ(found.code, kCuda);
  EXPECT_EQ(found.notes, Notes{"the answer held no code; this is from the reasoning"});
  EXPECT_EQ(Found("```cuda\n" + kCuda + "```", "```cuda\n" + kDraft + "```").code, kCuda);
  const auto other = FindCandidate("```python\nimport torch\n```", "```cuda\n" + kDraft + "```", Target::kCuda);
  EXPECT_FALSE(other) << "it answered, in Python";
  EXPECT_FALSE(FindCandidate("No idea.", "Perhaps ```x```?", Target::kCuda));
}

TEST(Reply, ReasoningInTheReply) {
  const std::string thought = "<think>\nfirst\n```cuda\n" + kDraft + "```\n";
  EXPECT_EQ(Found(thought + "</think>\n```cuda\n" + kCuda + "```\n").code, kCuda);
  EXPECT_EQ(Found(thought + "</think>\n```cuda\n" + kCuda + "```\n").notes, Notes());
  EXPECT_EQ(Found(thought).code, kDraft) << "cut while it thought";
}

// ---- how it is written ----

TEST(Reply, LineEndsTabsAndMarks) {
  EXPECT_EQ(CodeIn(Replaced("Here:\n```cuda\n" + kCuda + "```\n", "\n", "\r\n")), kCuda);
  EXPECT_EQ(CodeIn("\xef\xbb\xbf" + kCuda), kCuda);
  EXPECT_EQ(CodeIn("\xef\xbb\xbf```cuda\n" + kCuda + "```"), kCuda);
  EXPECT_EQ(CodeIn("```cuda\n\xef\xbb\xbf" + kCuda + "```"), kCuda);
  const std::string tabs = kCuda + "void g() {\n\treturn;\n}\n";
  EXPECT_EQ(CodeIn("```cuda\n" + tabs + "```"), tabs);
}

TEST(Reply, EscapedCodeIsUnescaped) {
  const std::string code =
      kCuda + "#include <cstdint>\nbool g(int a) { return a < 1 && a > -1 && 'a' == \"&lt;\"[0]; }\n";
  std::string escaped = Replaced(code, "&", "&amp;");
  escaped = Replaced(Replaced(Replaced(escaped, "<", "&lt;"), ">", "&gt;"), "\"", "&quot;");
  escaped = Replaced(escaped, "'", "&#39;");
  const FoundCandidate found = Found("```cuda\n" + escaped + "```\n");
  EXPECT_EQ(found.code, code);
  EXPECT_EQ(found.notes, Notes{"the code was HTML-escaped"});
  EXPECT_EQ(Found(escaped).code, code);
}

TEST(Reply, CodeThatOnlyMentionsEntitiesStays) {
  const std::string code = kCuda + "bool g(int a, int lt) { return a < 1 && a &lt; }\n";
  EXPECT_EQ(CodeIn("```cuda\n" + code + "```\n"), code);
  EXPECT_EQ(CodeIn("```cuda\n" + kCuda + "int h(int a, int b) { return a & b; }\n```\n"),
            kCuda + "int h(int a, int b) { return a & b; }\n");
}

TEST(Reply, BytesThatAreNoTextAreRefusedWithTheirPlace) {
  EXPECT_EQ(Complaint("```\n" + kCuda + std::string("in\0t", 4) + "\n```"),
            "Line 3 of the code holds a zero byte at byte 3. Write the file again as plain text.");
  EXPECT_EQ(Complaint("```\n" + kCuda + "\n  \xff\n```"),
            "Line 4 of the code holds 0xff, which is not UTF-8 there, at byte 3. Write the file again as plain text.");
  EXPECT_EQ(CodeIn("Prose with \xff.\n```\n" + kCuda + "```"), kCuda) << "only the code counts";
  EXPECT_EQ(CodeIn("```\n" + kCuda + "// gr\xc3\xbc\xc3\x9f" + "e\n```"), kCuda + "// gr\xc3\xbc\xc3\x9f" + "e\n");
}

// ---- complaints ----

TEST(Reply, NoCode) {
  const std::string needed =
      "Needed is one complete CUDA C++ source file in one fenced block, with at least one plan line `//@ launch KERNEL "
      "grid(...) block(...) args(...)`.";
  for (const std::string reply : {"", "I cannot do that.", "Run this:\n```bash\nls\n```\n", "```\n", "\n\n\n"}) {
    EXPECT_EQ(Complaint(reply), "The reply holds no code. " + needed) << reply;
  }
  EXPECT_TRUE(Complaint("No.", Target::kCpu).ends_with("plan line `//@ call FUNCTION args(...)`."));
}

TEST(Reply, NoPlanNamesTheLineThatIsNeeded) {
  const std::string begin =
      "The code has no `//@` line, so nothing says what to run. Put a plan in front of it, at least ";
  EXPECT_EQ(Complaint("```cuda\n" + kNoPlan + "```"), begin + "`//@ launch f grid(...) block(...) args(x, y, n)`.");
  EXPECT_EQ(Complaint("extern \"C\" void g(const x_t* x, long long n) {}\n", Target::kCpu),
            begin + "`//@ call g args(x, n)`.");
  EXPECT_EQ(Complaint("```cpp\nint main() { return 0; }\nint x;\n```", Target::kCpu),
            begin + "`//@ call FUNCTION args(...)`.");
}

TEST(Reply, AnotherLanguageIsNamed) {
  const auto language = [](const std::string& reply, Target target = Target::kCuda) {
    const std::string complaint = Complaint(reply, target);
    return complaint.substr(0, complaint.find(". "));
  };
  EXPECT_EQ(language("```python\nimport torch\nimport triton\n@triton.jit\ndef f(x):\n  pass\n```"),
            "The code is Triton");
  EXPECT_EQ(language("```python\nimport torch\nsource = '''\n#include <x>\n__global__ void f() {}\n'''\n```"),
            "The code is PyTorch");
  EXPECT_EQ(language("```\ndef f(x):\n  return x\n```"), "The code is Python");
  EXPECT_EQ(language("import torch\n\ndef f(x):\n    return x\n"), "The code is PyTorch");
  EXPECT_EQ(language("```rust\nfn main() {}\n```"), "The code is Rust");
  EXPECT_EQ(language("```diff\n-a;\n+b;\n```"), "The code is a diff");
  EXPECT_EQ(language("```cuda\n" + kNoPlan + "```", Target::kCpu), "The code is CUDA, but this task runs on a CPU");
}

TEST(Reply, PythonBesideTheCandidateIsIgnored) {
  EXPECT_EQ(CodeIn("```cuda\n" + kCuda + "```\nTest it:\n```python\nimport torch\n```\n"), kCuda);
}

TEST(Reply, ThePlanItselfIsJudgedElsewhere) {
  EXPECT_EQ(CodeIn("```\n//@ tune A = 1\nint x;\n```"), "//@ tune A = 1\nint x;\n");
  EXPECT_EQ(CodeIn("```\n" + kCpu + "```"), kCpu) << "a call on cuda: the parser says so";
  EXPECT_EQ(Found("```\n" + kCpu + "```", "", Target::kCpu).code, kCpu);
}

// ---- size ----

std::string Many(std::string piece, size_t bytes) {
  while (piece.size() < bytes) piece += piece;
  return piece;
}

TEST(Reply, LongRepliesTakeLinearTime) {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string piece : {"```cuda\n", "~~~\n```\n", "&amp;", "  \n", "`", "R\"(", "<think>", "/*", "//@\n"}) {
    (void)FindCandidate(Many(piece, 1 << 18), "", Target::kCuda);
    (void)FindCandidate("```cuda\n" + kCuda + Many(piece, 1 << 18), "", Target::kCuda);
  }
  (void)FindCandidate("```cuda\n" + kCuda + Many("float x;\n", 10 << 20), "", Target::kCuda);
  EXPECT_EQ(CodeIn(Many("Some words of a long line of thought.\n", 10 << 20) + "```\n" + kCuda + "```\n"), kCuda);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60)) << "quadratic: hours";
}

}  // namespace
}  // namespace kopt
