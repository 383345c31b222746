#include <gtest/gtest.h>

#include <algorithm>

#include "task/npy.h"
#include "tests/agent/export_run.h"

namespace kopt {
namespace {

StoredRun TypesRun() {
  const auto folder = std::filesystem::path(KOPT_SOURCE_DIR) / "tests/cli/export";
  return RunOf(Target::kCpu, Read(folder / "types.spec"), Read(folder / "types.cpp"), {{"SLOW", 0}});
}

class ExportPackageTest : public ::testing::Test {
 protected:
  Result<Export> Make(const StoredRun& run) {
    verifier_.spec = &run.spec;
    return MakeExport(run, "0.1.0", verifier_);
  }
  static std::string File(const Export& made, const std::string& path) {
    const auto found = std::ranges::find(made.files, path, &ExportFile::path);
    return found == made.files.end() ? "there is no " + path : found->content;
  }

  FakeClock clock_;
  Interrupts interrupts_;
  FakeVerifier verifier_{clock_, interrupts_};
};

TEST_F(ExportPackageTest, TextsEqualTheGoldens) {
  const StoredRun run = TypesRun();
  const auto made = Make(run);
  ASSERT_TRUE(made) << made.error().Text();
  ExpectGolden("export_header.txt", File(*made, "include/types.h"));
  ExpectGolden("export_run.txt", File(*made, "src/run.cpp"));
  ExpectGolden("export_readme.md", File(*made, "README.md"));
  EXPECT_EQ(File(*made, "src/kernel.inl"), SourceWithBoundTunables(*run.contestants.seed, {{"SLOW", 0}}));
}

TEST_F(ExportPackageTest, OneKernelForEachCombinationOfConstantDims) {
  const StoredRun run = TypesRun();
  const auto made = Make(run);
  ASSERT_TRUE(made);
  EXPECT_NE(File(*made, "src/kernel_0.cpp").find("constexpr int C = 64;\n"), std::string::npos);
  EXPECT_NE(File(*made, "src/kernel_1.cpp").find("constexpr int C = 3;\n"), std::string::npos);
  EXPECT_NE(File(*made, "src/kernel_1.cpp").find("__asm__(\"types_kernel_1_scale\");"), std::string::npos);
  EXPECT_EQ(File(*made, "src/kernel_2.cpp"), "there is no src/kernel_2.cpp");
  EXPECT_EQ(made->shapes[2].dump(), R"({"dims":{"R":5,"C":3},"scored":false})");
}

TEST_F(ExportPackageTest, ExamplesAreNumPyFiles) {
  const StoredRun run = TypesRun();
  const auto made = Make(run);
  ASSERT_TRUE(made);
  const std::string dense = File(*made, "tests/data/0/xb.npy"), gaps = File(*made, "tests/data/0/x32.npy");
  const auto rows = ParseNpy(dense), storage = ParseNpy(gaps);
  ASSERT_TRUE(rows && storage);
  EXPECT_EQ(rows->type, "<u2");
  EXPECT_EQ(rows->shape, (std::vector<long long>{5, 3}));
  EXPECT_EQ(storage->shape, (std::vector<long long>{27}));  // 5 rows, 6 apart
  const std::string value = File(*made, "tests/data/0/yu.value.npy"), limit = File(*made, "tests/data/0/yu.limit.npy");
  ASSERT_TRUE(ParseNpy(value) && ParseNpy(limit));
  EXPECT_EQ(ParseNpy(value)->type, "<u8");
  EXPECT_EQ(ParseNpy(limit)->type, "<f8");
  EXPECT_NE(File(*made, "tests/data/0/any_place.value.npy").find("there is no"), std::string::npos);
}

constexpr const char* kLargeSpec = R"spec(kopt = 1
name = "large"
dims = ["N", "Dims"]
[[shape]]
N = 4194304
Dims = 1
[[input]]
name = "options"
dtype = "f32"
shape = ["N"]
FILL
[[output]]
name = "dims"
dtype = "f32"
shape = ["N", "Dims"]
[[reference]]
over = ["i:N"]
code = "dims(i, 0) = options(i);"
)spec";
constexpr const char* kLargeSeed = "//@ call copy args(options, dims)\nextern \"C\" void copy(const float*, float*);\n";

StoredRun LargeRun(const std::string& fill) {
  std::string text = kLargeSpec;
  text.replace(text.find("FILL"), 4, fill);
  return RunOf(Target::kCpu, text, kLargeSeed, {});
}

TEST_F(ExportPackageTest, LargeShapesBringNoData) {
  const StoredRun run = LargeRun("fill = \"normal(0, 1)\"");
  const auto made = Make(run);
  ASSERT_TRUE(made);
  EXPECT_NE(File(*made, "tests/test.cpp").find("no right answers are at hand"), std::string::npos);
  EXPECT_NE(File(*made, "example/main.cpp").find("Random(i)"), std::string::npos);
  EXPECT_NE(File(*made, "README.md").find("`ctest` compares nothing"), std::string::npos);
  const StoredRun coded = LargeRun("code = \"for (long long i = 0; i < N; ++i) options(i) = i;\"");
  const auto without = Make(coded);
  ASSERT_TRUE(without);
  EXPECT_EQ(File(*without, "example/main.cpp"), "there is no example/main.cpp");
}

TEST_F(ExportPackageTest, NamesOfTheSpecDoNotMeetThoseOfTheHeader) {
  const StoredRun run = LargeRun("fill = \"normal(0, 1)\"");
  const auto made = Make(run);
  ASSERT_TRUE(made);
  const std::string header = File(*made, "include/large.h");
  EXPECT_NE(header.find("struct Dims_ {\n  std::int64_t N = 0;\n  std::int64_t Dims = 0;\n};"), std::string::npos);
  EXPECT_NE(
      header.find("Run(const Dims_& dims_, const float* options, float* dims, const large::Options& options_ = {})"),
      std::string::npos)
      << header;
}

TEST_F(ExportPackageTest, RunsThatCannotBeExported) {
  StoredRun run = TypesRun();
  EXPECT_TRUE(ExportableWinner(run, verifier_.device()));
  run.row.device = "another device";
  auto refused = ExportableWinner(run, verifier_.device());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::kEnvironment);
  run.confirmations.clear();
  refused = ExportableWinner(run, verifier_.device());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::kUsage);
}

TEST(PackageName, IsAnIdentifierThatIsFree) {
  EXPECT_EQ(PackageName("row_scale"), "row_scale");
  EXPECT_EQ(PackageName("a--b-_c-"), "a_b_c");
  EXPECT_EQ(PackageName("3d-conv"), "kernel_3d_conv");
  EXPECT_EQ(PackageName("--"), "kernel_");
  for (const char* taken :
       {"exp", "std", "for", "math", "test", "OpenMP", "prefix", "omp", "cuda", "device", "plan", "CUDAToolkit"})
    EXPECT_EQ(PackageName(taken), std::string(taken) + "_kernel");
}

TEST(ExportWords, CommentsStayComments) {
  EXPECT_EQ(Commented("//", "a\nb \\"), "// a b \\ .\n");
  const std::string many = Commented("//", std::string(300, 'x') + " " + std::string(100, 'y') + " z\x01");
  EXPECT_EQ(many, "// " + std::string(300, 'x') + "\n// " + std::string(100, 'y') + " z\\x01\n");
  EXPECT_EQ(Commented("//", ""), "// \n");
}

TEST(ExportWords, ListsAreBroken) {
  EXPECT_EQ(Lines("f(", {}, ");"), "f();");
  EXPECT_EQ(Lines("f(", {"a", "b"}, ");"), "f(a, b);");
  const std::string long_one(80, 'x');
  EXPECT_EQ(Lines("  f(", {long_one, long_one}, ");"), "  f(" + long_one + ",\n      " + long_one + ");");
}

TEST(ExportWords, OnlyWhatIsAskedForIsFilledIn) {
  EXPECT_EQ(Filled("//@ @NAME@, a@b @NAME", {{"NAME", "@NAME@"}}), "//@ @NAME@, a@b @NAME");
}

TEST(ExportWords, ScalarsAreExact) {
  EXPECT_EQ(ScalarText({.dtype = DType::kF32}, 0x3eaaaaab), "0x1.555556p-2f");
  EXPECT_EQ(ScalarText({.dtype = DType::kF64}, 0x3fd5555555555555), "0x1.5555555555555p-2");
  EXPECT_EQ(ScalarText({.dtype = DType::kF32}, 0xff800000), "-INFINITY");
  EXPECT_EQ(ScalarText({.dtype = DType::kF16}, 0x3c00), "static_cast<_Float16>(0x1p+0f)");
  EXPECT_EQ(ScalarText({.dtype = DType::kI64}, 1ULL << 63), "(-9223372036854775807LL - 1)");
  EXPECT_EQ(ScalarText({.dtype = DType::kU64}, ~0ULL), "18446744073709551615ULL");
  EXPECT_EQ(ScalarText({.dtype = DType::kI8}, 0xff), "(-1)");
  EXPECT_EQ(ScalarText({.dtype = DType::kBool}, 1), "true");
}

}  // namespace
}  // namespace kopt
