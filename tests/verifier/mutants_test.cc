#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/files.h"
#include "bench/mutants_operators.h"

namespace kopt {
namespace {

constexpr std::string_view kSource = R"(//@ tune W = 8 | 16  # + - not touched
//@ scratch partial f32 [B, W]
//@ call first args(x, partial)
//@ call second args(partial, y, i64(B))
// a < b; a + b;
namespace {
typedef float Vec __attribute__((vector_size(W * sizeof(float)), aligned(4)));
constexpr int kLow = 2;
}
extern "C" void second(const float* partial, float* y, long long n) {
#pragma omp parallel
  {
#pragma omp for
    for (int i = 0; i < n; i += kLow) {
      float sum[2] = {};
      if (i > 0 && n != 3) sum[1] += partial[i - 1] * 0.5f;
      __builtin_prefetch(partial + i, 0, 1);
      Wait(i, n);
      y[i] = std::min(sum[0], sum[1]) - INFINITY;
    }
  }
}
)";

std::set<std::string> Names(Target target = Target::kCpu) {
  std::set<std::string> names;
  for (const Mutant& mutant : MutantsOf(kSource, "c.cpp", target)) names.insert(mutant.name);
  return names;
}

TEST(MutantsTest, HasTheFaultsOfEachKind) {
  const std::set<std::string> names = Names();
  for (const char* name : {
           "c.cpp:3:plan, dropped step:call first args(x, partial)->",
           "c.cpp:2:plan, size:W->W - 1",
           "c.cpp:3:plan, swapped:x, partial->partial, x",
           "c.cpp:4:plan, size:B->B - 1",
           "c.cpp:8:constant:2->3",
           "c.cpp:8:doubled constant:2->4",
           "c.cpp:13:barrier dropped:for->for nowait",
           "c.cpp:14:comparison:<-><=",
           "c.cpp:14:loop bound:->- 1",
           "c.cpp:14:loop start:->+ 1",
           "c.cpp:14:loop step:kLow->2 * (kLow)",
           "c.cpp:14:skipped turn:->if (i != (0))",
           "c.cpp:14:skipped turn:->if (i != (0) + (kLow))",
           "c.cpp:16:logical:&&->||",
           "c.cpp:16:comparison:!=->==",
           "c.cpp:16:negated condition:i > 0 && n != 3->!(i > 0 && n != 3)",
           "c.cpp:16:guard removed:i > 0 && n != 3->true",
           "c.cpp:16:branch dropped:i > 0 && n != 3->false",
           "c.cpp:16:assignment:+=->-=",
           "c.cpp:16:dropped term:- 1->",
           "c.cpp:16:constant:0.5f->(0.5f * 1.01f)",
           "c.cpp:16:index:i - 1->(i - 1) ^ 1",
           "c.cpp:16:bf16:partial[i - 1] * 0.5f->mutant::Bf16(partial[i - 1] * 0.5f)",
           "c.cpp:16:statement dropped:sum[1] += partial[i - 1] * 0.5f->",
           "c.cpp:18:barrier dropped:Wait(i, n)->",
           "c.cpp:18:swapped:i, n->n, i",
           "c.cpp:19:clamp removed:std::min(sum[0], sum[1])->(sum[0])",
           "c.cpp:19:infinity:- INFINITY->+ INFINITY",
       }) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(MutantsTest, LeavesCommentsTunablesAttributesAndPrefetchesAlone) {
  for (const Mutant& mutant : MutantsOf(kSource, "c.cpp", Target::kCpu)) {
    for (const int line : {1, 5, 7, 17}) EXPECT_NE(mutant.line, line) << mutant.name;
  }
}

TEST(MutantsTest, EachHasAnotherNameAndAsManyLines) {
  for (const Target target : {Target::kCpu, Target::kCuda}) {
    const auto mutants = MutantsOf(kSource, "c.cpp", target);
    EXPECT_EQ(Names(target).size(), mutants.size());
    for (const Mutant& mutant : mutants) {
      EXPECT_EQ(std::ranges::count(mutant.source, '\n'), std::ranges::count(kSource, '\n')) << mutant.name;
      EXPECT_NE(mutant.source, kSource) << mutant.name;
    }
  }
}

TEST(MutantsTest, TheFrontIsSpreadOverKindsAndPlaces) {
  const auto mutants = Spread(MutantsOf(kSource, "c.cpp", Target::kCpu));
  EXPECT_EQ(mutants.size(), Names().size());
  std::set<std::string> kinds, front;
  for (const Mutant& mutant : mutants) kinds.insert(mutant.kind);
  for (size_t i = 0; i < kinds.size(); ++i) front.insert(mutants[i].kind);
  EXPECT_EQ(front, kinds);
  const auto again = Spread(MutantsOf(kSource, "c.cpp", Target::kCpu));
  EXPECT_TRUE(std::ranges::equal(mutants, again, {}, &Mutant::name, &Mutant::name));
}

TEST(MutantsTest, ShowsTheLine) {
  const auto mutants = MutantsOf(kSource, "c.cpp", Target::kCpu);
  const auto mutant = std::ranges::find(mutants, "c.cpp:8:constant:2->3", &Mutant::name);
  ASSERT_NE(mutant, mutants.end());
  EXPECT_EQ(Difference(kSource, *mutant), "- constexpr int kLow = 2;\n+ constexpr int kLow = 3;\n");
}

// A list that names what no longer exists explains nothing.
TEST(MutantsTest, TheListsNameMutantsOfTheExamples) {
  const std::filesystem::path root = KOPT_SOURCE;
  size_t lists = 0;
  for (const char* folder : {"equivalent", "selected"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root / "tests/mutants" / folder)) {
      const std::string file = entry.path().stem().string();
      const auto source = ReadFile(root / "examples" / file), list = ReadFile(entry.path());
      ASSERT_TRUE(source && list) << file;
      std::set<std::string> names;
      for (const Mutant& mutant : MutantsOf(*source, file, file.ends_with(".cu") ? Target::kCuda : Target::kCpu)) {
        names.insert(mutant.name);
      }
      for (size_t begin = 0; begin < list->size(); begin = list->find('\n', begin) + 1) {
        const std::string line = list->substr(begin, list->find('\n', begin) - begin);
        const size_t middle = line.rfind(" :: ");
        ASSERT_NE(middle, std::string::npos) << line;
        EXPECT_TRUE(names.contains(line.substr(0, middle))) << line;
        EXPECT_LT(middle + 4, line.size()) << "without a reason: " << line;
      }
      ++lists;
    }
  }
  EXPECT_GE(lists, 17U);
}

}  // namespace
}  // namespace kopt
