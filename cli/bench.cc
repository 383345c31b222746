#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/retry.h"
#include "base/files.h"
#include "cli/bind_tunables.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

constexpr size_t kMostFiles = 16;

struct BenchFlags {
  std::string spec, budget;
  std::vector<std::string> files, set;
};

struct Bench {
  std::vector<Candidate> candidates;
  std::vector<Contender> contenders;
  SideBySide result;
};

Result<Bench> ReadFiles(const BenchFlags& flags, const Spec& spec, Target target) {
  if (flags.files.size() < 2 || flags.files.size() > kMostFiles) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("{} candidates were given", flags.files.size()),
                                 .key = "FILE",
                                 .hint = fmt::format("2 to {}; `kopt verify` judges a single one", kMostFiles)});
  }
  Bench bench;
  for (const std::string& file : flags.files) {
    KOPT_TRY(std::string source, ReadFile(file));
    KOPT_TRY(Candidate candidate, ParseCandidate(spec, target, std::move(source), file));
    bench.candidates.push_back(std::move(candidate));
  }
  KOPT_TRY(const std::vector<Configuration> configurations, BindTunablesOfAll(bench.candidates, flags.set));
  for (size_t i = 0; i < configurations.size(); ++i) {
    bench.contenders.push_back({.candidate = &bench.candidates[i], .configuration = configurations[i]});
  }
  return bench;
}

// Of b against a: how many times as fast a is.
struct Pair {
  size_t a = 0, b = 0;
  Assessment assessment;
};

std::vector<Pair> Pairs(const SideBySide& result) {
  std::vector<Pair> pairs;
  for (const auto& [who, samples] : result.pairs) {
    pairs.push_back({.a = who.first, .b = who.second, .assessment = Assess(samples)});
  }
  return pairs;
}

// "faster", "slower", "same", "cannot tell", "noisy".
std::string Word(const Assessment& assessment) {
  if (assessment.noisy || !assessment.estimate) return "noisy";
  return std::string(Name(Judge(assessment.estimate->interval)));
}

std::string Label(const Bench& bench, size_t i) {
  const Contender& contender = bench.contenders[i];
  const std::string configuration = Text(contender.configuration);
  return configuration == "-" ? contender.candidate->file : contender.candidate->file + " " + configuration;
}

std::string BenchText(const Bench& bench, const std::vector<Pair>& pairs) {
  Rows rows = {{"", "candidate", "verdict", "time", "speed of light"}};
  for (size_t i = 0; i < bench.contenders.size(); ++i) {
    const Verdict& verdict = bench.result.verdicts[i];
    rows.push_back({fmt::to_string(i + 1), Label(bench, i), Summary(verdict), FormatMicroseconds(verdict.time_us),
                    verdict.sol_fraction ? FormatPercent(*verdict.sol_fraction) : "-"});
  }
  std::string text = Table(rows, 0);
  if (pairs.empty()) return text;
  text += "\nfirst against second, how many times as fast, two-sided 99 %:\n";
  Rows comparisons;
  for (const Pair& pair : pairs) {
    Verdict verdict;
    if (pair.assessment.estimate && !pair.assessment.noisy) {
      verdict.speedup = pair.assessment.estimate->speedup;
      verdict.speedup_interval = pair.assessment.estimate->interval;
    }
    comparisons.push_back(
        {fmt::format("{} against {}", pair.a + 1, pair.b + 1), FormatSpeedup(verdict), Word(pair.assessment)});
  }
  return text + Table(comparisons);
}

ordered_json BenchDocument(const Bench& bench, const std::vector<Pair>& pairs, const Spec& spec, Target target,
                           const std::string& device) {
  ordered_json candidates = ordered_json::array(), comparisons = ordered_json::array();
  for (size_t i = 0; i < bench.contenders.size(); ++i) {
    ordered_json verdict = bench.result.verdicts[i].Json();
    for (const char* key : {"kopt", "baseline_us", "speedup", "speedup_interval", "seconds"}) verdict.erase(key);
    ordered_json entry = {{"file", bench.contenders[i].candidate->file},
                          {"configuration", Text(bench.contenders[i].configuration)}};
    entry.update(verdict);
    candidates.push_back(std::move(entry));
  }
  for (const Pair& pair : pairs) {
    const auto& estimate = pair.assessment.estimate;
    const bool known = estimate && !pair.assessment.noisy;
    comparisons.push_back(
        {{"first", pair.a},
         {"second", pair.b},
         {"speedup", known ? ordered_json(estimate->speedup) : ordered_json()},
         {"speedup_interval", known ? ordered_json{estimate->interval.low, estimate->interval.high} : ordered_json()},
         {"judged", Word(pair.assessment)}});
  }
  return {{"kopt", 1},        {"task", spec.name},        {"target", Name(target)},
          {"device", device}, {"candidates", candidates}, {"comparisons", comparisons}};
}

Result<int> RunBench(const BenchFlags& flags, Context& context) {
  KOPT_TRY(const Target target, context.ChosenTarget());
  KOPT_CHECK(context.OnlyCpu("bench"));
  KOPT_TRY(const Spec spec, ReadSpec(flags.spec));
  KOPT_TRY(Bench bench, ReadFiles(flags, spec, target));
  KOPT_TRY(const auto budget, context.Budget(flags.budget));
  KOPT_TRY(Store store, context.OpenStore());
  const auto progress = context.MakeProgress();
  KOPT_TRY(const Calibration calibration, context.EnsureCalibrated(store, *progress));
  KOPT_TRY(const auto verifier, context.backend().new_verifier(spec, context.OptionsFor(calibration.peaks)));
  progress->Show({.doing = "checking the spec's power against wrong answers"});
  KOPT_CHECK(WithRetries([&] { return verifier->Register(); }));
  progress->Show({.doing = fmt::format("timing {} candidates side by side", bench.contenders.size())});
  const double seconds = flags.budget.empty() ? kNoLimit : *budget;
  KOPT_TRY(bench.result, WithRetries([&] { return verifier->Compare(bench.contenders, seconds); }));
  KOPT_CHECK(context.KeepPeaks(store, calibration, verifier->peaks()));
  progress->End();
  const std::vector<Pair> pairs = Pairs(bench.result);
  context.Print(BenchText(bench, pairs));
  context.Document(BenchDocument(bench, pairs, spec, target, verifier->device().name));
  return std::ranges::all_of(bench.result.verdicts, &Verdict::correct) ? 0 : 1;
}

}  // namespace

void AddBench(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("bench", "time several candidates side by side: who is faster than whom");
  auto flags = std::make_shared<BenchFlags>();
  command->add_option("SPEC", flags->spec, "the task: a .spec file")->required();
  command->add_option("FILE", flags->files, "candidates, 2 to 16")->required();
  command
      ->add_option("--set", flags->set, "bind a tunable wherever it is declared; default: its first value. Repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--budget", flags->budget, "time for samples (default: up to 7.5 s a candidate)")->type_name("T");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunBench(*flags, c); }; });
}

}  // namespace kopt
