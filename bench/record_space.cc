// Screens every admissible configuration of a spec's cpu seed and writes what came of it, for bench/search_replay.cc.
//
//   record_space SPEC [--out FILE.json] [--seconds N] [--passes N] [--part I/N]
//
// FILE is `SPEC` with `.json` in place of `.spec` unless given. Every screening goes to its end (no incumbent), is
// relative to the seed's defaults, and is passed the next 15 configurations, to compile them along. The order is random
// and new with every pass, so that what drifts in the machine is spread over the space. With `--passes 2` (default 1)
// every configuration is screened twice, and so on. Ends after N seconds (default: not before it is done) and exit code
// 1 if there is more to do; called again, goes on where FILE ends. FILE is replaced about every 20 seconds. `--part
// 2/4` screens the third quarter of the configurations only (parts count from 0), so that several processes, each on
// CPUs of its own, can share the work; `screenings` of their files are then put together.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/search/permutation.h"
#include "agent/search/search.h"
#include "agent/search/space.h"
#include "base/clock.h"
#include "base/files.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {
namespace {

constexpr size_t kCompiledAhead = 15;
constexpr double kSaveSeconds = 20;

struct Arguments {
  std::string spec, out;
  double seconds = std::numeric_limits<double>::infinity();
  int passes = 1;
  size_t part = 0, parts = 1;
};

int Fail(const Error& error) {
  std::fprintf(stderr, "record_space: %s\n%s\n", error.Text().c_str(), error.log.c_str());
  return static_cast<int>(error.exit);
}

Result<Candidate> SeedOf(const Spec& spec) {
  const auto seed = spec.seed.find(Target::kCpu);
  if (seed == spec.seed.end()) return UsageError(spec.file + " names no seed for the cpu");
  const std::filesystem::path file = spec.Folder() / seed->second;
  KOPT_TRY(std::string source, ReadFile(file));
  return ParseCandidate(spec, Target::kCpu, std::move(source), file.string());
}

nlohmann::ordered_json Head(const Spec& spec, const Candidate& seed, const Device& device) {
  nlohmann::ordered_json tunables = nlohmann::ordered_json::object();
  for (const Tunable& tunable : seed.tunables) tunables[tunable.name] = tunable.values;
  return {{"format", 1},
          {"task", spec.name},
          {"device", device.name},
          {"device_values", device.values},
          {"spec_hash", spec.hash},
          {"spec", spec.text},
          {"seed", seed.source},
          {"tunables", tunables},
          {"screenings", nlohmann::ordered_json::array()}};
}

double Rounded(double value) { return std::strtod(fmt::format("{:.5g}", value).c_str(), nullptr); }

// What is recorded of a screening; `pass` counts from 0.
nlohmann::ordered_json Line(const Configuration& configuration, int pass, const Verdict& verdict) {
  const Trial trial = TrialOf(configuration, verdict);
  nlohmann::ordered_json line = {{"configuration", configuration},
                                 {"pass", pass},
                                 {"outcome", Name(verdict.outcome)},
                                 {"time_us", nullptr},
                                 {"speedup", nullptr},
                                 {"deviation", nullptr}};
  if (verdict.time_us) line["time_us"] = Rounded(*verdict.time_us);
  if (trial.speedup) line["speedup"] = Rounded(*trial.speedup);
  if (trial.speedup && trial.deviation > 0) line["deviation"] = Rounded(trial.deviation);
  return line;
}

// FILE if it is there and of this space, else an empty recording.
Result<nlohmann::ordered_json> Begun(const std::string& out, nlohmann::ordered_json head) {
  if (!std::filesystem::exists(out)) return head;
  KOPT_TRY(const std::string text, ReadFile(out));
  auto begun = nlohmann::ordered_json::parse(text, nullptr, false);
  for (const char* key : {"format", "device", "device_values", "spec_hash", "seed", "tunables"}) {
    if (!begun.is_object() || begun.value(key, nlohmann::ordered_json()) != head[key])
      return UsageError(fmt::format("{} is no recording of this space on this device: `{}` differs", out, key),
                        "move it away, or name another file with --out");
  }
  return begun;
}

// One screening on a line.
std::string FileText(const nlohmann::ordered_json& recording) {
  nlohmann::ordered_json head = recording;
  head.erase("screenings");
  std::string text = head.dump(1);
  text.resize(text.size() - 2);
  text += ",\n \"screenings\": [";
  const char* separator = "\n";
  for (const auto& line : recording["screenings"]) {
    text += separator + std::string("  ") + line.dump();
    separator = ",\n";
  }
  return text + "\n ]\n}\n";
}

int Record(const Arguments& arguments) {
  auto spec = ReadSpec(arguments.spec);
  if (!spec) return Fail(spec.error());
  auto seed = SeedOf(*spec);
  if (!seed) return Fail(seed.error());
  auto verifier = NewCpuVerifier(*spec, {});
  if (!verifier) return Fail(verifier.error());
  const Device& device = (*verifier)->device();
  std::vector<const Shape*> shapes = spec->Scored(Target::kCpu);
  for (const Shape* shape : spec->Checks(Target::kCpu)) shapes.push_back(shape);
  const auto space = Space::Create(*spec, *seed, shapes, device.values);
  if (!space) return Fail(space.error());
  auto recording = Begun(arguments.out, Head(*spec, *seed, device));
  if (!recording) return Fail(recording.error());

  std::vector<Point> mine;
  for (size_t i = arguments.part; i < space->points().size(); i += arguments.parts) mine.push_back(space->points()[i]);
  const size_t points = mine.size();
  auto& screenings = (*recording)["screenings"];
  const size_t total = points * static_cast<size_t>(arguments.passes);
  std::printf("%zu admissible configurations of %lld; %zu of %zu screenings are there\n", points, space->size(),
              screenings.size(), total);
  const double start = SystemClock().Now();
  if (auto registered = (*verifier)->Register(); !registered) return Fail(registered.error());
  auto baseline = (*verifier)->SetBaseline(*seed, DefaultConfiguration(*seed));
  if (!baseline) return Fail(baseline.error());

  // Screening number i is point At(i % points) of pass i / points.
  const auto configuration_at = [&](size_t i) {
    const Permutation order(points, i / points);
    return space->At(mine[order.At(i % points)]);
  };
  double saved = SystemClock().Now();
  while (screenings.size() < total && SystemClock().Now() - start < arguments.seconds) {
    const size_t next = screenings.size();
    std::vector<Contender> ahead;
    for (size_t i = next + 1; i < std::min(total, next + 1 + kCompiledAhead); ++i) {
      ahead.push_back({&*seed, configuration_at(i)});
    }
    const Configuration configuration = configuration_at(next);
    auto verdict = (*verifier)->Screen(*seed, configuration, {.ahead = ahead});
    if (!verdict) return Fail(verdict.error());
    screenings.push_back(Line(configuration, static_cast<int>(next / points), *verdict));
    std::printf("%4zu  %s  %s\n", next, screenings.back()["speedup"].dump().c_str(), Text(configuration).c_str());
    std::fflush(stdout);
    if (SystemClock().Now() - saved < kSaveSeconds) continue;
    if (auto written = WriteFile(arguments.out, FileText(*recording)); !written) return Fail(written.error());
    saved = SystemClock().Now();
  }
  if (auto written = WriteFile(arguments.out, FileText(*recording)); !written) return Fail(written.error());
  std::printf("%zu of %zu screenings are in %s\n", screenings.size(), total, arguments.out.c_str());
  return screenings.size() < total ? 1 : 0;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  kopt::Arguments arguments;
  bool usage = argc < 2;
  if (!usage) arguments.spec = argv[1];
  arguments.out = std::filesystem::path(arguments.spec).replace_extension(".json").string();
  for (int i = 2; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 == argc) {
      usage = true;
    } else if (flag == "--out") {
      arguments.out = argv[i + 1];
    } else if (flag == "--seconds") {
      arguments.seconds = std::atof(argv[i + 1]);
    } else if (flag == "--passes") {
      arguments.passes = std::atoi(argv[i + 1]);
    } else if (flag == "--part") {
      usage = usage || std::sscanf(argv[i + 1], "%zu/%zu", &arguments.part, &arguments.parts) != 2;
    } else {
      usage = true;
    }
  }
  usage = usage || arguments.part >= arguments.parts;
  if (usage || arguments.passes < 1 || !(arguments.seconds > 0)) {
    std::fputs("usage: record_space SPEC [--out FILE.json] [--seconds N] [--passes N] [--part I/N]\n", stderr);
    return 2;
  }
  return kopt::Record(arguments);
}
