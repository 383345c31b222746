// How often a verdict is wrong on this machine, by the real verifier.
//
//   false_verdicts pairs N        N screenings of a candidate against itself: how many say "faster" or "slower"
//   false_verdicts planted N      N confirmations of a candidate that does 2 % more work: how many say "slower"
//
// The task is arithmetic in registers, so that the planted difference is 2 % of its time and nothing else.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "base/clock.h"
#include "verifier/core/statistics.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {
namespace {

constexpr const char* kSpec = R"spec(
kopt = 1
name = "chain"
dims = ["N"]
[[shape]]
N = 65536
[[input]]
name = "x"
dtype = "f32"
shape = ["N"]
fill = "normal(0, 1)"
[[output]]
name = "y"
dtype = "f32"
shape = ["N"]
[[reference]]
over = ["i:N"]
code = "y(i) = x(i) * 2;"
)spec";

// ROUNDS dependent steps for every 16 elements; their result is thrown away in a way that the compiler cannot see.
constexpr const char* kCandidate = R"spec(
//@ tune ROUNDS = 400 | 408
//@ call chain args(x, y)
extern "C" void chain(const float* x, float* y) {
#pragma omp parallel for schedule(static)
  for (int i = 0; i < N; i += 16) {
    float waste = x[i];
    for (int r = 0; r < ROUNDS; ++r) {
      waste = waste * 0.999f + 0.5f;
      asm volatile("" : "+x"(waste));
    }
    for (int j = i; j < i + 16; ++j) y[j] = x[j] * 2;
  }
}
)spec";

int Fail(const Error& error) {
  std::fprintf(stderr, "false_verdicts: %s\n%s\n", error.Text().c_str(), error.log.c_str());
  return 1;
}

int Run(bool planted, int count) {
  auto spec = ParseSpec(kSpec, "chain.spec");
  if (!spec) return Fail(spec.error());
  auto verifier = NewCpuVerifier(*spec, {});
  if (!verifier) return Fail(verifier.error());
  auto candidate = ParseCandidate(*spec, Target::kCpu, kCandidate, "chain.cpp");
  if (!candidate) return Fail(candidate.error());
  auto baseline = (*verifier)->SetBaseline(*candidate, {{"ROUNDS", 400}});
  if (!baseline) return Fail(baseline.error());
  std::printf("baseline: %s %s, %.1f us a call\n", Name(baseline->outcome).data(), baseline->reason.c_str(),
              baseline->time_us.value_or(0));

  std::map<std::string, int> tally;
  std::map<std::string, int> quiet;  // noise at most 1 %
  double seconds = 0;
  for (int i = 0; i < count; ++i) {
    const double begin = SystemClock().Now();
    auto verdict = planted ? (*verifier)->Confirm(*candidate, {{"ROUNDS", 408}}, {})
                           : (*verifier)->Screen(*candidate, {{"ROUNDS", 400}}, {});
    if (!verdict) return Fail(verdict.error());
    seconds += SystemClock().Now() - begin;
    const std::string word = verdict->speedup_interval ? std::string(Name(Judge(*verdict->speedup_interval)))
                             : verdict->correct()      ? verdict->remark
                                                       : std::string(Name(verdict->outcome));
    const double noise = verdict->evidence.value("noise", 1.0);
    ++tally[word];
    if (noise <= 0.01) ++quiet[word];
    std::printf("%3d  %-12s %.4f [%.4f, %.4f]  noise %.2f %%\n", i, word.c_str(), verdict->speedup.value_or(0),
                verdict->speedup_interval ? verdict->speedup_interval->low : 0,
                verdict->speedup_interval ? verdict->speedup_interval->high : 0, 100 * noise);
    std::fflush(stdout);
  }
  std::printf("\n%s, %d verdicts, %.2f s each\n", planted ? "2 % more work, confirmed" : "against itself, screened",
              count, seconds / count);
  for (const auto& [word, times] : tally) {
    std::printf("  %-12s %4d, of which %d with noise at most 1 %%\n", word.c_str(), times, quiet[word]);
  }
  return 0;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const int count = argc > 2 ? std::atoi(argv[2]) : 0;
  if ((mode != "pairs" && mode != "planted") || count <= 0) {
    std::fputs("usage: false_verdicts pairs|planted N\n", stderr);
    return 2;
  }
  return kopt::Run(mode == "planted", count);
}
