// What a verdict costs, stage by stage, and how many configurations are screened in a minute.
//
//   stage_costs SPEC [SECONDS]    random configurations of the spec's cpu seed, as `kopt optimize` screens them
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {
namespace {

constexpr uint64_t kOrderSeed = 1;

int Fail(const Error& error) {
  std::fprintf(stderr, "stage_costs: %s\n%s\n", error.Text().c_str(), error.log.c_str());
  return 1;
}

Result<Candidate> SeedOf(const Spec& spec) {
  const std::filesystem::path file = spec.Folder() / spec.seed.at(Target::kCpu);
  KOPT_TRY(std::string source, ReadFile(file));
  return ParseCandidate(spec, Target::kCpu, std::move(source), file.string());
}

int Run(const std::string& file, double seconds) {
  auto spec = ReadSpec(file);
  if (!spec) return Fail(spec.error());
  auto verifier = NewCpuVerifier(*spec, {});
  if (!verifier) return Fail(verifier.error());
  auto seed = SeedOf(*spec);
  if (!seed) return Fail(seed.error());
  const double start = SystemClock().Now();
  if (auto registered = (*verifier)->Register(); !registered) return Fail(registered.error());
  const double registered = SystemClock().Now();
  auto baseline = (*verifier)->SetBaseline(*seed, DefaultConfiguration(*seed));
  if (!baseline) return Fail(baseline.error());
  const double begin = SystemClock().Now();

  std::mt19937_64 generator(kOrderSeed);
  std::map<std::string, double> cost;
  int count = 0;
  double best = 1;
  std::vector<Contender> coming;
  while (SystemClock().Now() - begin < seconds) {
    while (coming.size() < 32) {
      Configuration configuration =
          SpacePoint(*seed, static_cast<long long>(generator() % static_cast<uint64_t>(SpaceSize(*seed))));
      auto admissible =
          Admissible(*spec, *seed, configuration, spec->Scored(Target::kCpu), (*verifier)->device().values);
      if (admissible && *admissible) coming.push_back({&*seed, std::move(configuration)});
    }
    const Configuration configuration = std::move(coming.front().configuration);
    coming.erase(coming.begin());
    auto verdict = (*verifier)->Screen(*seed, configuration, {.incumbent = best, .ahead = coming});
    if (!verdict) return Fail(verdict.error());
    best = std::max(best, verdict->speedup.value_or(0));
    for (const auto& [stage, spent] : verdict->stage_seconds) cost[stage] += spent;
    ++count;
  }
  const double spent = SystemClock().Now() - begin;
  std::printf("%s: registration %.2f s, baseline %.2f s\n", file.c_str(), registered - start, begin - registered);
  std::printf("%d configurations in %.1f s: %.1f a minute; best %.2fx the default\n", count, spent, 60 * count / spent,
              best);
  for (const auto& [stage, total] : cost) std::printf("  %-8s %6.3f s a verdict\n", stage.c_str(), total / count);
  return 0;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: stage_costs SPEC [SECONDS]\n", stderr);
    return 2;
  }
  return kopt::Run(argv[1], argc > 2 ? std::atof(argv[2]) : 60);
}
