#include "task/candidate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <filesystem>

#include "base/files.h"
#include "tests/task/spec_builder.h"

namespace kopt {
namespace {

namespace fs = std::filesystem;

const Spec kSpec = AttentionSpec();

fs::path Plans(const char* folder) { return fs::path(__FILE__).parent_path() / "plans" / folder; }

Target TargetOf(const fs::path& path) { return path.extension() == ".cu" ? Target::kCuda : Target::kCpu; }

Result<Candidate> Parse(std::string source, Target target = Target::kCpu) {
  return ParseCandidate(kSpec, target, std::move(source), "a.cpp");
}

std::string Problem(std::string source, Target target = Target::kCpu) {
  auto candidate = Parse(std::move(source), target);
  return candidate ? "no error" : candidate.error().Text();
}

std::vector<std::string> Texts(const std::vector<Expr>& exprs) {
  std::vector<std::string> texts;
  for (const Expr& expr : exprs) texts.push_back(expr.text());
  return texts;
}

using Strings = std::vector<std::string>;

// Each file ends with a line `// expect LINE:COLUMN: message; hint`.
TEST(CandidateTest, EveryBadPlanIsRefusedWithItsPlaceAndReason) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(Plans("bad"))) {
    std::string text = ReadFile(entry.path()).value();
    size_t mark = text.rfind("// expect ");
    ASSERT_NE(mark, std::string::npos) << entry.path();
    std::string expected = "plan:" + text.substr(mark + 10, text.find('\n', mark) - mark - 10);
    auto candidate = ParseCandidate(kSpec, TargetOf(entry.path()), text, "plan");
    ASSERT_FALSE(candidate) << entry.path();
    EXPECT_EQ(candidate.error().Text(), expected) << entry.path();
    EXPECT_EQ(candidate.error().exit, Exit::kUsage) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 100);
}

TEST(CandidateTest, ReadsAWholeCpuPlan) {
  fs::path path = Plans("good") / "attention.cpp";
  std::string source = ReadFile(path).value();
  auto parsed = ParseCandidate(kSpec, Target::kCpu, source, "attention.cpp");
  ASSERT_TRUE(parsed) << parsed.error().Text();
  const Candidate& candidate = *parsed;
  EXPECT_EQ(candidate.file, "attention.cpp");
  EXPECT_EQ(candidate.source, source);
  ASSERT_EQ(candidate.tunables.size(), 2u);
  EXPECT_EQ(candidate.tunables[0].name, "BM");
  EXPECT_EQ(candidate.tunables[0].values, (std::vector<long long>{64, 128, -1}));
  EXPECT_EQ(candidate.tunables[0].line, 2);
  EXPECT_EQ(candidate.tunables[1].values, (std::vector<long long>{4, 1}));
  ASSERT_EQ(candidate.where.size(), 1u);
  EXPECT_EQ(candidate.where[0].condition.text(), "BM > 0 && S >= BM");
  ASSERT_EQ(candidate.scratch.size(), 2u);
  EXPECT_EQ(candidate.scratch[0].name, "partial");
  EXPECT_EQ(candidate.scratch[0].dtype, DType::kF32);
  EXPECT_EQ(Texts(candidate.scratch[0].shape), (Strings{"B", "H", "S", "SPLITS * 2"}));
  ASSERT_EQ(candidate.plan.size(), 4u);
  EXPECT_EQ(candidate.plan[0].kind, PlanLine::Kind::kZero);
  EXPECT_EQ(candidate.plan[0].function, "counter");
  EXPECT_EQ(candidate.plan[1].function, "o");
  const PlanLine& attn = candidate.plan[2];
  EXPECT_EQ(attn.kind, PlanLine::Kind::kCall);
  EXPECT_EQ(attn.function, "attn");
  EXPECT_EQ(attn.line, 11);
  EXPECT_EQ(attn.loop_name, "p");
  EXPECT_EQ(attn.loop_begin->text(), "0");
  EXPECT_EQ(attn.loop_end->text(), "min(SPLITS, THREADS)");
  EXPECT_EQ(attn.when->text(), "S > 64 || p == 0");
  using Kind = Arg::Kind;
  Kind kinds[] = {Kind::kTensor, Kind::kTensor, Kind::kTensor, Kind::kScratch, Kind::kScalar,
                  Kind::kInt,    Kind::kInt64,  Kind::kInt,    Kind::kScratch};
  ASSERT_EQ(attn.args.size(), std::size(kinds));
  for (size_t i = 0; i < std::size(kinds); ++i) EXPECT_EQ(attn.args[i].kind, kinds[i]) << i;
  EXPECT_EQ(attn.args[4].name, "scale");
  EXPECT_EQ(attn.args[6].expr->text(), "B * H * S * D");
  EXPECT_EQ(attn.args[0].column, 19);
  EXPECT_EQ(candidate.plan[3].args[2].name, "state");
}

TEST(CandidateTest, ReadsAWholeCudaPlan) {
  std::string source = ReadFile(Plans("good") / "attention.cu").value();
  auto parsed = ParseCandidate(kSpec, Target::kCuda, source, "attention.cu");
  ASSERT_TRUE(parsed) << parsed.error().Text();
  const Candidate& candidate = *parsed;
  ASSERT_EQ(candidate.tensormaps.size(), 2u);
  const TensorMap& tq = candidate.tensormaps[0];
  EXPECT_EQ(tq.name, "tq");
  EXPECT_EQ(tq.tensor, "q");
  EXPECT_EQ(Texts(tq.dims), (Strings{"B*H*S", "D"}));
  EXPECT_EQ(Texts(tq.box), (Strings{"BM", "D"}));
  EXPECT_EQ(tq.swizzle, 128);
  EXPECT_EQ(tq.l2, 0);
  const TensorMap& tp = candidate.tensormaps[1];
  EXPECT_EQ(tp.tensor, "partial");
  EXPECT_EQ(tp.type, "tf32");
  EXPECT_EQ(tp.fill, "nan");
  EXPECT_EQ(tp.l2, 256);
  EXPECT_EQ(Texts(tp.step), (Strings{"1", "2"}));
  EXPECT_EQ(Texts(tp.strides), (Strings{"2 * 4"}));
  ASSERT_EQ(candidate.plan.size(), 2u);
  const PlanLine& attn = candidate.plan[0];
  EXPECT_EQ(attn.kind, PlanLine::Kind::kLaunch);
  EXPECT_EQ(Texts(attn.grid), (Strings{"ceil_div(S, BM)", "B * H"}));
  EXPECT_EQ(Texts(attn.block), (Strings{"128"}));
  EXPECT_EQ(Texts(attn.cluster), (Strings{"2", "1", "1"}));
  EXPECT_EQ(attn.smem->text(), "BM * D * 2 * STAGES");
  EXPECT_EQ(attn.args[0].kind, Arg::Kind::kTensorMap);
  EXPECT_FALSE(attn.pdl || attn.cooperative);
  const PlanLine& merge = candidate.plan[1];
  EXPECT_TRUE(merge.pdl && merge.cooperative);
  EXPECT_EQ(merge.loop_end->text(), "BM / 2");
  EXPECT_EQ(merge.grid[0].text(), "min(SMS * occupancy(attn), B * H)");
  EXPECT_EQ(merge.when->text(), "S > 1024");
}

TEST(CandidateTest, ReadsWindowsLineEndsAndPlanLinesInsideCommentsAlike) {
  auto candidate = Parse("/*\n//@ call f args(q, o)\n*/\r\n//@ tune A = 1 | 2\r\n");
  ASSERT_TRUE(candidate) << candidate.error().Text();
  EXPECT_EQ(candidate->plan.size(), 1u);
  EXPECT_EQ(candidate->tunables[0].values.size(), 2u);
  EXPECT_TRUE(Parse("//@ call f\nconst char* s = \"  //@ tune A\";\n"));
}

TEST(CandidateTest, BoundsItsSizes) {
  const std::string call = "//@ call f args(q, o)\n";
  std::string tunables;
  for (int i = 0; i < 64; ++i) tunables += fmt::format("//@ tune T{} = 1\n", i);
  EXPECT_TRUE(Parse(tunables + call));
  EXPECT_EQ(Problem(tunables + "//@ tune U = 1\n" + call), "a.cpp:65:10: more than 64 tunables (at `U`)");

  std::string values = "//@ tune T = 0";
  for (int i = 1; i < 4096; ++i) values += fmt::format("|{}", i);
  EXPECT_TRUE(Parse(values + "\n" + call));
  EXPECT_EQ(Problem(values + "|4096\n" + call), "a.cpp:1:14: 4097 values; at most 4096 are allowed (at `T`)");

  std::string lines;
  for (int i = 0; i < 1024; ++i) lines += call;
  EXPECT_TRUE(Parse(lines));
  EXPECT_EQ(Problem(lines + call), "a.cpp:1025:1: more than 1024 plan lines (at `//@`)");

  std::string text = call + std::string((1 << 20) - call.size(), ' ');
  EXPECT_TRUE(Parse(text));
  EXPECT_EQ(Problem(text + " "), "a.cpp:1:1: the file has 1048577 bytes; at most 1048576 are allowed");
}

TEST(CandidateTest, RefusesWhatIsNotText) {
  EXPECT_EQ(Problem(std::string("int x;\na\0b", 10)), "a.cpp:2:2: the file holds a zero byte: it is not text");
  EXPECT_EQ(Problem("\xef\xbb\xbf//@ call f\n"),
            "a.cpp:1:1: the file begins with a byte order mark; save it as plain UTF-8");
  EXPECT_EQ(Problem(""), "a.cpp:1:1: the plan has no `call` line; add a line `//@ call FUNCTION args(...)`");
}

TEST(CandidateTest, SurvivesAnyCutOfAGoodPlan) {
  for (const char* name : {"attention.cpp", "attention.cu"}) {
    std::string source = ReadFile(Plans("good") / name).value();
    for (size_t cut = 0; cut < source.size(); ++cut) {
      auto candidate = ParseCandidate(kSpec, TargetOf(name), source.substr(0, cut), name);
      EXPECT_TRUE(candidate || candidate.error().line > 0);
    }
  }
}

TEST(CandidateTest, EnumeratesItsSpaceLastTunableFastest) {
  Candidate candidate = Parse("//@ tune A = 1 | 2\n//@ tune B2 = 10 | 20 | 30\n//@ call f args(o)\n").value();
  EXPECT_EQ(SpaceSize(candidate), 6);
  EXPECT_EQ(Text(DefaultConfiguration(candidate)), "A=1 B2=10");
  Strings points;
  for (int i = 0; i < 6; ++i) points.push_back(Text(SpacePoint(candidate, i)));
  EXPECT_EQ(points, (Strings{"A=1 B2=10", "A=1 B2=20", "A=1 B2=30", "A=2 B2=10", "A=2 B2=20", "A=2 B2=30"}));
}

TEST(CandidateTest, ACandidateWithoutTunablesHasOneConfiguration) {
  Candidate candidate = Parse("//@ call f args(o)\n").value();
  EXPECT_EQ(SpaceSize(candidate), 1);
  EXPECT_EQ(Text(DefaultConfiguration(candidate)), "-");
}

TEST(CandidateTest, TheSizeOfAHugeSpaceSaturates) {
  std::string source;
  for (int i = 0; i < 64; ++i) source += fmt::format("//@ tune T{} = 0 | 1 | 2 | 3\n", i);
  Candidate candidate = Parse(source + "//@ call f args(o)\n").value();
  EXPECT_EQ(SpaceSize(candidate), LLONG_MAX);
  EXPECT_EQ(SpacePoint(candidate, LLONG_MAX).size(), 64u);
}

TEST(CandidateTest, AConfigurationIsAdmissibleIfEveryConditionHoldsAtEveryShape) {
  Candidate candidate =
      Parse("//@ tune BM = 64 | 128 | 0\n//@ where S >= BM\n//@ where 256 % BM == 0 && THREADS > 1\n//@ call f\n")
          .value();
  std::vector<const Shape*> large = {&kSpec.shapes[0]}, both = {&kSpec.shapes[0], &kSpec.shapes[1]};
  const Values device = {{"THREADS", 2}};
  auto admissible = [&](long long bm, const std::vector<const Shape*>& shapes) {
    return Admissible(kSpec, candidate, {{"BM", bm}}, shapes, device).value();
  };
  EXPECT_TRUE(admissible(64, both));
  EXPECT_TRUE(admissible(128, large));
  EXPECT_FALSE(admissible(128, both));  // S = 77
  EXPECT_FALSE(admissible(0, both));    // 256 % 0
  EXPECT_FALSE(Admissible(kSpec, candidate, {{"BM", 64}}, both, {{"THREADS", 1}}).value());
  EXPECT_FALSE(Admissible(kSpec, candidate, {}, both, device));
}

TEST(CandidateTest, BindsTunablesInItsText) {
  Candidate candidate = Parse("//@ tune BM = 64 | 128 # rows\r\nint x; // BM = 1\n//@tune T=1|2\n//@ call f").value();
  EXPECT_EQ(SourceWithBoundTunables(candidate, {{"BM", 128}, {"T", 2}}),
            "//@ tune BM = 128  # rows\r\nint x; // BM = 1\n//@ tune T = 2\n//@ call f");
}

TEST(CandidateTest, ABoundTextHasOneConfiguration) {
  Candidate candidate = Parse(ReadFile(Plans("good") / "attention.cpp").value()).value();
  Configuration second = SpacePoint(candidate, 3);
  Candidate bound = Parse(SourceWithBoundTunables(candidate, second)).value();
  EXPECT_EQ(SpaceSize(bound), 1);
  EXPECT_EQ(DefaultConfiguration(bound), second);
}

TEST(NormaliseTest, LayoutAndCommentsDoNotMatter) {
  std::string a = "//@ tune BM = 64|128 # rows\n//@ call f args(q,o)\n#include <cmath>\nint f(){return a+b;} // c\n";
  std::string b =
      "\n#include <cmath>  // d\n\n/* x */ int  f ( )\n{\n  return a + b ;\n}\n"
      "//@   tune  BM=64 | 128\r\n//@ call f args( q, o )\n";
  EXPECT_EQ(NormalisedCode(a), NormalisedCode(b));
}

TEST(NormaliseTest, CodeAndPlanDoMatter) {
  auto differ = [](std::string a, std::string b) { return NormalisedCode(a) != NormalisedCode(b); };
  EXPECT_TRUE(differ("int a;", "int b;"));
  EXPECT_TRUE(differ("//@ tune A = 1", "//@ tune A = 2"));
  EXPECT_TRUE(differ("x = \"a  b\";", "x = \"a b\";"));
  EXPECT_TRUE(differ("a + ++b", "a ++ +b"));
  EXPECT_TRUE(differ("#define F(x) x", "#define F (x) x"));
  EXPECT_TRUE(differ("#define A 1\nint x;", "#define A 1 int x;"));
  EXPECT_TRUE(differ("int a b;", "int ab;"));
  EXPECT_TRUE(differ("//@ for p in", "//@ forp in"));
}

TEST(NormaliseTest, ReadsStringsAndSplices) {
  EXPECT_EQ(NormalisedCode("x = \"/* no comment */\"; // y \\\n z\nw"), "x = \"/* no comment */\" ; w\n");
  EXPECT_EQ(NormalisedCode("R\"a(// \\\n\" )a\" b"), "R\"a(// \\\n\" )a\" b\n");
  EXPECT_EQ(NormalisedCode("in\\\nt x = 1'000;"), "int x = 1'000 ;\n");
  EXPECT_EQ(NormalisedCode("/* open"), "");
  EXPECT_EQ(NormalisedCode("\"open\nint"), "\"open int\n");
}

}  // namespace
}  // namespace kopt
