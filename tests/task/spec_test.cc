#include "task/spec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "task/spec_names.h"

namespace kopt {
namespace {

const std::filesystem::path kFolder = KOPT_SPECS;  // tests/task/specs

std::vector<std::string> GoldenNames(bool bad) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".spec") continue;
    const std::string name = entry.path().stem().string();
    if (std::filesystem::exists(kFolder / (name + ".error")) == bad) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Spec Good(const std::string& name) {
  auto spec = ReadSpec((kFolder / (name + ".spec")).string());
  EXPECT_TRUE(spec) << spec.error().Text();
  return spec ? *std::move(spec) : Spec();
}

// The minimal spec with one piece of its text replaced.
Result<Spec> Changed(std::string_view from, std::string_view to) {
  std::string text = *ReadFile(kFolder / "minimal.spec");
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  return ParseSpec(text, "changed.spec");
}

class BadSpecTest : public testing::TestWithParam<std::string> {};

// NAME.error holds the error's text with file, line, column and hint, then its key.
TEST_P(BadSpecTest, IsRefusedWithItsError) {
  const std::filesystem::path path = kFolder / (GetParam() + ".spec");
  const auto spec = ReadSpec(path.string());
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().exit, Exit::kUsage);
  EXPECT_EQ(spec.error().file, path.string());
  EXPECT_GT(spec.error().line, 0);
  EXPECT_GT(spec.error().column, 0);
  Error error = spec.error();
  error.file = path.filename();
  EXPECT_EQ(fmt::format("{}\nkey: {}\n", error.Text(), error.key), *ReadFile(kFolder / (GetParam() + ".error")));
}

INSTANTIATE_TEST_SUITE_P(Golden, BadSpecTest, testing::ValuesIn(GoldenNames(true)),
                         [](const auto& info) { return info.param; });

class GoodSpecTest : public testing::TestWithParam<std::string> {};

TEST_P(GoodSpecTest, IsReadAndBound) {
  const Spec spec = Good(GetParam());
  for (const auto* shapes : {&spec.shapes, &spec.checks}) {
    for (const Shape& shape : *shapes) {
      const auto task = Bind(spec, shape);
      EXPECT_TRUE(task) << task.error().Text();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoodSpecTest, testing::ValuesIn(GoldenNames(false)),
                         [](const auto& info) { return info.param; });

TEST(Spec, MinimalHasTheDefaults) {
  const Spec spec = Good("minimal");
  EXPECT_EQ(spec.name, "row_scale");
  EXPECT_EQ(spec.dims, (std::vector<std::string>{"R", "C"}));
  ASSERT_EQ(spec.tensors.size(), 2u);
  const Tensor& x = spec.tensors[0];
  EXPECT_EQ(x.role, Tensor::Role::kInput);
  EXPECT_EQ(x.fill.text, "normal(0, 1)");
  EXPECT_EQ(x.align, 256);
  EXPECT_EQ(x.position.line, 9);
  const Tensor& y = spec.tensors[1];
  EXPECT_EQ(y.compare, Compare::kClose);
  EXPECT_EQ(y.nonfinite, NonFinite::kExact);
  EXPECT_FALSE(y.rtol || y.atol || y.accept || y.repeatable || y.identity);
  EXPECT_EQ(spec.precision.multiply, "f32");
  EXPECT_EQ(spec.precision.accumulate, "f32");
  EXPECT_FALSE(spec.precision.declared);
  EXPECT_EQ(spec.work.unit, "f32");
  EXPECT_EQ(spec.limits.scratch, 1LL << 30);
  EXPECT_EQ(spec.limits.seconds, 10);
  EXPECT_EQ(spec.limits.compile_seconds, 30);
  EXPECT_EQ(spec.hash, ContentHash(spec.text));
  EXPECT_EQ(spec.Folder(), kFolder);
  EXPECT_EQ(spec.Scored(Target::kCpu).size(), 1u);
  EXPECT_EQ(spec.Checks(Target::kCpu).size(), 0u);
}

TEST(Spec, EverythingIsRead) {
  const Spec spec = Good("everything");
  EXPECT_EQ(spec.Scored(Target::kCpu).size(), 1u);
  EXPECT_EQ(spec.Scored(Target::kCuda).size(), 2u);
  EXPECT_EQ(spec.Checks(Target::kCuda).size(), 1u);
  EXPECT_TRUE(spec.IsDynamic("S"));
  EXPECT_FALSE(spec.IsDynamic("D"));
  const Tensor& x = *spec.FindTensor("x");
  EXPECT_EQ(x.strides.size(), 3u);
  EXPECT_EQ(x.align, 16);
  ASSERT_EQ(x.also.size(), 2u);
  EXPECT_EQ(x.also[1].kind, Fill::Kind::kInt);
  EXPECT_TRUE(spec.FindTensor("w")->is_static);
  EXPECT_EQ(spec.FindTensor("first")->code_position.line, 55);
  const Tensor& cache = *spec.FindTensor("cache");
  EXPECT_EQ(cache.role, Tensor::Role::kInout);
  EXPECT_TRUE(cache.IsRead() && cache.IsWritten() && cache.repeatable);
  EXPECT_EQ(cache.nonfinite, NonFinite::kForbidden);
  EXPECT_EQ(cache.rtol, 1e-3);
  EXPECT_EQ(cache.atol, 1e-5);
  const Tensor& best = *spec.FindTensor("best");
  EXPECT_EQ(best.compare, Compare::kExact);
  ASSERT_TRUE(best.accept);
  EXPECT_EQ(best.accept->over[0].index, "r");
  EXPECT_TRUE(best.accept->code.starts_with("return got_best"));
  EXPECT_EQ(spec.FindTensor("quantised")->compare, Compare::kClose);
  EXPECT_TRUE(spec.FindTensor("copy")->identity);
  EXPECT_EQ(spec.FindTensor("noise")->compare, Compare::kAny);
  EXPECT_EQ(spec.tensors.back().role, Tensor::Role::kTemp);
  EXPECT_TRUE(spec.FindScalar("scale")->value && !spec.FindScalar("scale")->fill);
  EXPECT_TRUE(spec.FindScalar("alpha")->fill && !spec.FindScalar("alpha")->value);
  EXPECT_EQ(spec.FindScalar("nothing"), nullptr);
  EXPECT_EQ(spec.precision.multiply_roundoff, 0x1p-11);
  EXPECT_TRUE(spec.precision.declared);
  ASSERT_EQ(spec.references.size(), 2u);
  EXPECT_EQ(spec.references[0].over[1].index, "s");
  EXPECT_EQ(spec.seed.at(Target::kCuda), "seed.cu");
  EXPECT_EQ(spec.baseline.at(Target::kCpu), "baseline.cpp");
  EXPECT_EQ(spec.limits.scratch, 1 << 20);
  EXPECT_EQ(spec.limits.seconds, 2.5);
}

// A compiler's message for line n of the code must name this line of the spec.
TEST(Spec, CodePositionIsTheFirstLineOfTheCode) {
  const auto position = [](std::string_view code) {
    const std::string text = *ReadFile(kFolder / "minimal.spec");
    const size_t at = text.find("code = ");
    const auto spec = ParseSpec(text.substr(0, at) + std::string(code), "p.spec");
    EXPECT_TRUE(spec) << spec.error().Text();
    const Position position = spec->references[0].code_position;
    return fmt::format("{}:{}", position.line, position.column);
  };
  EXPECT_EQ(position("code = '''\ny(0, 0) = 1;\n'''"), "23:1");
  EXPECT_EQ(position("code = '''\r\ny(0, 0) = 1;\r\n'''"), "23:1");
  EXPECT_EQ(position("code = \"\"\"\n\n y(0, 0) = 1;\"\"\""), "23:1");
  EXPECT_EQ(position("code = '''y(0, 0) = 1;'''"), "22:11");
  EXPECT_EQ(position("code = \"y(0, 0) = 1;\""), "22:9");
}

TEST(Spec, DefaultPrecision) {
  const auto with = [](std::string_view dtype, std::string_view fill) {
    const auto spec = Changed("dtype = \"f32\"\nshape = [\"R\", \"C\"]\nfill = \"normal(0, 1)\"",
                              fmt::format("dtype = \"{}\"\nshape = [\"R\", \"C\"]\nfill = \"{}\"", dtype, fill));
    EXPECT_TRUE(spec) << spec.error().Text();
    return spec->precision.multiply + " " + spec->precision.accumulate;
  };
  EXPECT_EQ(with("f64", "normal(0, 1)"), "f64 f64");
  EXPECT_EQ(with("f16", "normal(0, 1)"), "f16 f32");
  EXPECT_EQ(with("bf16", "normal(0, 1)"), "bf16 f32");
  EXPECT_EQ(with("e4m3", "normal(0, 1)"), "e4m3 f32");
  EXPECT_EQ(with("e5m2", "normal(0, 1)"), "f16 f32");
  EXPECT_EQ(with("i8", "int(0, 1)"), "f32 f32");
}

TEST(Spec, HashCoversTheFilesOfFills) {
  const auto folder = TemporaryFolder::Create("kopt-spec");
  std::string array = *ReadFile(kFolder / "two_by_three.npy");
  const std::string text = *ReadFile(kFolder / "everything.spec");
  const auto hash = [&] {
    EXPECT_TRUE(WriteFile(folder->path() / "two_by_three.npy", array));
    const auto spec = ParseSpec(text, (folder->path() / "e.spec").string());
    EXPECT_TRUE(spec) << spec.error().Text();
    return spec->hash;
  };
  const std::string first = hash();
  EXPECT_EQ(first, Good("everything").hash);
  array.back() ^= 1;
  EXPECT_NE(hash(), first);
}

TEST(Spec, AComparedOutputNeedsATruthAnUncomparedOneDoesNot) {
  const std::string text = *ReadFile(kFolder / "no_reference.spec");
  std::string any = text;
  any.replace(any.find("[[output]]"), 10, "[[output]]\ncompare = \"any\"");
  EXPECT_FALSE(ParseSpec(text, "x"));
  EXPECT_TRUE(ParseSpec(any, "x"));
}

// The complete example at the head of the users' reference.
TEST(Spec, TheReferencesExampleIsASpec) {
  const std::string docs = *ReadFile(std::filesystem::path(KOPT_DOCS) / "spec.md");
  const std::string open = "```toml\n";
  const size_t begin = docs.find(open) + open.size();
  const auto spec = ParseSpec(docs.substr(begin, docs.find("```", begin) - begin), "docs.spec");
  EXPECT_TRUE(spec) << spec.error().Text();
}

TEST(Spec, NoFileNoFolder) {
  EXPECT_EQ(ReadSpec("/nowhere/x.spec").error().Text(),
            "/nowhere/x.spec: cannot open: No such file or directory; name a spec; `kopt init NAME` writes a new one");
  EXPECT_EQ(ReadSpec("/tmp").error().message, "this is a folder, not a file");
}

// ---- text that means harm ----

std::string Repeat(std::string_view piece, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += piece;
  return text;
}

std::string WhyHostile(std::string text) {
  const auto spec = ParseSpec(std::move(text), "h.spec");
  return spec ? "" : spec.error().Text().substr(0, 120);
}

TEST(HostileSpec, IsRefusedQuickly) {
  EXPECT_EQ(WhyHostile(Repeat("#", (1 << 20) + 1)), "h.spec:1:1: the spec is larger than 1048576 bytes");
  EXPECT_EQ(WhyHostile(Repeat("a.", 400000) + "b = 1"), "h.spec:1:8194: more than 4096 dots outside strings");
  EXPECT_EQ(WhyHostile("[" + Repeat("a.", 400000) + "b]"), "h.spec:1:8195: more than 4096 dots outside strings");
  EXPECT_NE(WhyHostile("a = " + Repeat("[", 500000)), "");
  EXPECT_NE(WhyHostile("a = " + Repeat("{a=", 300000)), "");
  EXPECT_NE(WhyHostile("\xff\xfe"), "");
  EXPECT_NE(WhyHostile(std::string(1000, '\0')), "");
  EXPECT_NE(WhyHostile(Repeat("x", 1000000) + " = 1"), "");
}

TEST(HostileSpec, LimitsOnCounts) {
  const std::string minimal = *ReadFile(kFolder / "minimal.spec");
  EXPECT_EQ(WhyHostile(minimal + Repeat("[[shape]]\nR = 1\nC = 1\n", 256)), "h.spec:790:1: more than 256 [[shape]]");
  EXPECT_EQ(WhyHostile(minimal + Repeat("[[input]]\n", 256)).find("h.spec:25:1: [[input]] lacks the key"),
            std::string::npos);
  EXPECT_FALSE(Changed("[\"R\", \"C\"]\n\n[[shape]]", "[" + Repeat("\"R\",", 65) + "]\n\n[[shape]]"));
  EXPECT_FALSE(Changed("shape = [\"R\", \"C\"]", "shape = [" + Repeat("1,", 17) + "]"));
}

TEST(HostileSpec, DotsInCodeAndCommentsDoNotCount) {
  const auto spec =
      Changed("code = '''\n", "# " + Repeat("a.", 5000) + "\ncode = '''\n// " + Repeat("a.", 5000) + "\n");
  EXPECT_TRUE(spec) << spec.error().Text();
}

// ---- names ----

TEST(WhyRefused, NamesOfTheLanguageAndItsHeaders) {
  for (const char* name :
       {"y0",   "y1",        "j0",      "j1",        "jn",         "gamma",     "index",    "time",  "size",
        "exp",  "log",       "min",     "max",       "div",        "real",      "inf",      "nan",   "key",
        "off",  "id",        "THREADS", "SMS",       "SMEM_BLOCK", "occupancy", "ceil_div", "clamp", "align",
        "pi",   "float",     "class",   "expf",      "coshl",      "read",      "write",    "int32", "uint8_t",
        "NULL", "INT_MAX",   "M_PI",    "kopt_x",    "_x",         "a__b",      "1x",       "",      "a-b",
        "half", "threadIdx", "omp_x",   "pthread_x", "wchar",      "std"}) {
    EXPECT_NE(WhyRefused(name), "") << name;
  }
  for (const char* name :
       {"q",      "k",   "v",     "o",    "x",      "y",       "B",      "H",  "S", "D", "scale", "bias", "mask", "out",
        "weight", "eps", "alpha", "beta", "values", "offsets", "labels", "x2", "f", "l", "i",     "row",  "table"}) {
    EXPECT_EQ(WhyRefused(name), "") << name;
  }
  EXPECT_EQ(WhyRefused("key"), "`key` needs the type name `key_t`, which a standard header declares");
}

// ---- binding ----

TEST(Bind, DenseTensors) {
  const Spec spec = Good("minimal");
  const auto task = Bind(spec, spec.shapes[0]);
  ASSERT_TRUE(task);
  const BoundTensor& x = task->Find("x");
  EXPECT_EQ(x.shape, (std::vector<long long>{64, 128}));
  EXPECT_EQ(x.strides, (std::vector<long long>{128, 1}));
  EXPECT_EQ(x.elements, 64 * 128);
  EXPECT_EQ(x.span, 64 * 128);
  EXPECT_EQ(x.bytes, 64u * 128 * 4);
  EXPECT_TRUE(x.IsDense());
  EXPECT_EQ(x.Offset(130), 130);
  EXPECT_EQ(x.Coordinates(130), "[1, 2]");
  EXPECT_EQ(task->flops, 0);
  EXPECT_EQ(task->read_bytes, 64 * 128 * 4);
  EXPECT_EQ(task->write_bytes, 64 * 128 * 4);
}

TEST(Bind, StridesAndWork) {
  const Spec spec = Good("everything");
  const auto task = Bind(spec, spec.shapes[0]);
  ASSERT_TRUE(task);
  const BoundTensor& x = task->Find("x");
  EXPECT_EQ(x.strides, (std::vector<long long>{64 * 40, 40, 1}));
  EXPECT_EQ(x.elements, 4 * 64 * 32);
  EXPECT_EQ(x.span, 3 * 64 * 40 + 63 * 40 + 31 + 1);
  EXPECT_EQ(x.bytes, static_cast<size_t>(x.span) * 2);
  EXPECT_FALSE(x.IsDense());
  EXPECT_EQ(x.Offset(64 * 32 + 32 + 5), 64 * 40 + 40 + 5);
  EXPECT_EQ(task->Find("partial").bytes, 4u * 64 * 8);
  EXPECT_EQ(task->flops, 2 * 4 * 64 * 32);
  EXPECT_EQ(task->read_bytes, 2 * 4 * 64 * 32);
  EXPECT_EQ(task->write_bytes, 4 * 4 * 32);
}

std::string StridesError(std::string_view strides) {
  const auto spec = Changed("fill = ", fmt::format("strides = {}\nfill = ", strides));
  return spec ? "" : spec.error().message;
}

TEST(Bind, StridesMayPermuteButNotOverlap) {
  EXPECT_EQ(StridesError("[1, \"R\"]"), "");  // columns first
  EXPECT_EQ(StridesError("[\"2 * C\", 2]"), "");
  EXPECT_EQ(StridesError("[1, 63]"),
            "`x`: the strides overlap: the elements along axis 1 are 63 apart, those inside take 64 (at C=128 R=64)");
  EXPECT_EQ(StridesError("[\"C\", 0]"), "`x`: the stride `0` is 0, not positive (at C=128 R=64)");
  EXPECT_EQ(StridesError("[9223372036854775807, 1]"), "`x`: it is larger than 2^40 bytes (at C=128 R=64)");
  // The stride of an axis of extent 1 does not matter.
  EXPECT_TRUE(Changed("R = 64", "R = 1"));
}

TEST(Bind, OtherShapesThanTheSpecsOwn) {
  const Spec spec = Good("minimal");
  Shape shape{.dims = {{"R", 1LL << 40}, {"C", 1LL << 40}}};
  EXPECT_EQ(Bind(spec, shape).error().message,
            "`x`: it is larger than 2^40 bytes (at C=1099511627776 R=1099511627776)");
  shape.dims = {{"R", 1}};
  EXPECT_FALSE(Bind(spec, shape));
}

}  // namespace
}  // namespace kopt
