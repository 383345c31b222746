#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent/baseline.h"
#include "agent/evidence.h"
#include "agent/format.h"
#include "agent/retry.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "task/nearest.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

struct VerifyOptions {
  std::string spec, file;
  std::vector<std::string> set;
  bool confirm = false;
};

std::unexpected<Error> SetError(std::string message, const Candidate& candidate, int line, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .file = candidate.file,
                               .line = line,
                               .key = "--set",
                               .hint = std::move(hint)});
}

Result<void> BindOne(const Candidate& candidate, const std::string& text, Configuration& configuration) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  long long value = 0;
  const char* begin = text.data() + (equals == std::string::npos ? text.size() : equals + 1);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (equals == std::string::npos || error != std::errc() || stop != end) {
    return SetError(fmt::format("`{}` does not bind a tunable", text), candidate, 0, "write it as --set NAME=64");
  }
  std::vector<std::string> names;
  for (const Tunable& tunable : candidate.tunables) names.push_back(tunable.name);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return SetError(fmt::format("no tunable is called `{}`", name), candidate, 0,
                    names.empty() ? "the file has no `//@ tune` line" : NearestHint(name, names));
  }
  const Tunable& tunable = candidate.tunables[static_cast<size_t>(found - names.begin())];
  if (std::find(tunable.values.begin(), tunable.values.end(), value) == tunable.values.end()) {
    return SetError(fmt::format("{} is none of the values of `{}`", value, name), candidate, tunable.line,
                    fmt::format("one of {}", fmt::join(tunable.values, ", ")));
  }
  configuration[name] = value;
  return {};
}

Result<Configuration> BindTunables(const Candidate& candidate, const std::vector<std::string>& set) {
  Configuration configuration = DefaultConfiguration(candidate);
  for (const std::string& text : set) KOPT_CHECK(BindOne(candidate, text, configuration));
  return configuration;
}

// A plan that breaks the rules is a verdict on the candidate, not a mistake in how kopt was called.
Verdict Rejected(const Error& error) {
  Verdict verdict{.outcome = Outcome::kRejected, .stage = Stage::kParse, .reason = error.message};
  if (!error.file.empty()) verdict.evidence["file"] = error.file;
  if (error.line > 0) verdict.evidence["line"] = error.line;
  if (error.column > 0) verdict.evidence["column"] = error.column;
  if (!error.key.empty()) verdict.evidence["key"] = error.key;
  if (!error.hint.empty()) verdict.evidence["hint"] = error.hint;
  return verdict;
}

std::string Indented(const std::string& text) {
  std::string result = "    ";
  for (char c : text) result += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return result + "\n";
}

std::string VerdictText(const Verdict& verdict, const std::string& baseline) {
  std::string text = Summary(verdict) + (verdict.correct() ? ": every output is right\n" : "\n");
  std::vector<std::vector<std::string>> rows;
  if (verdict.time_us) rows.push_back({"time", FormatMicroseconds(verdict.time_us) + " a call"});
  if (verdict.baseline_us) {
    rows.push_back({"baseline", fmt::format("{} ({})", FormatMicroseconds(verdict.baseline_us), baseline)});
  }
  if (verdict.speedup && verdict.speedup_interval) {
    rows.push_back({"speedup", fmt::format("{}, two-sided 99 %: {}{}", FormatSpeedup(verdict),
                                           Name(Judge(*verdict.speedup_interval)),
                                           verdict.confirmed ? ", confirmed" : " by screening")});
  } else if (verdict.correct() && !verdict.remark.empty()) {
    rows.push_back({"speedup", "cannot be told: the machine was " +
                                   std::string(verdict.remark == "noisy" ? "too noisy" : "in no steady state")});
  }
  if (verdict.sol_fraction) rows.push_back({"speed of light", FormatPercent(*verdict.sol_fraction) + " reached"});
  text += Table(rows);
  const std::string evidence = EvidenceText(verdict.evidence);
  return evidence.empty() ? text : text + "  evidence\n" + Indented(evidence);
}

int Report(const Verdict& verdict, const std::string& baseline, Context& context) {
  context.Print(VerdictText(verdict, baseline));
  context.Document(verdict.Json());
  return verdict.correct() ? 0 : 1;
}

Result<int> RunVerify(const VerifyOptions& options, Context& context) {
  KOPT_TRY(const Target target, context.ChosenTarget());
  KOPT_TRY(const Spec spec, ReadSpec(options.spec));
  KOPT_TRY(std::string source, ReadFile(options.file));
  const auto candidate = ParseCandidate(spec, target, std::move(source), options.file);
  if (!candidate && candidate.error().exit == Exit::kUsage) return Report(Rejected(candidate.error()), "", context);
  if (!candidate) return std::unexpected(candidate.error());
  KOPT_TRY(const Configuration configuration, BindTunables(*candidate, options.set));
  KOPT_TRY(const Contestants contestants, ReadContestants(spec, target, ""));
  KOPT_TRY(Store store, context.OpenStore());
  const auto progress = context.MakeProgress();
  KOPT_TRY(const Calibration calibration, context.EnsureCalibrated(store, *progress));
  KOPT_TRY(const auto verifier, context.host().new_verifier(spec, context.OptionsFor(calibration.peaks)));
  progress->Show({.doing = "checking the spec's power against wrong answers"});
  KOPT_CHECK(WithRetries([&] { return verifier->Register(); }));
  if (contestants.Baseline() != nullptr) {
    progress->Show({.doing = "judging the baseline"});
    KOPT_CHECK(EstablishBaseline(*verifier, contestants));
  }
  progress->Show({.doing = fmt::format("{} {}", options.confirm ? "confirming" : "judging", Text(configuration))});
  KOPT_TRY(const Verdict verdict, WithRetries([&] {
             return options.confirm ? verifier->Confirm(*candidate, configuration, kNoLimit)
                                    : verifier->Screen(*candidate, configuration, {});
           }));
  progress->End();
  return Report(verdict, contestants.BaselineText(), context);
}

}  // namespace

void AddVerify(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("verify", "judge one candidate: is it right, and how fast");
  auto options = std::make_shared<VerifyOptions>();
  command->add_option("SPEC", options->spec, "the task: a .spec file")->required();
  command->add_option("FILE", options->file, "the candidate")->required();
  command->add_option("--set", options->set, "bind a tunable; default: its first value. Repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--confirm", options->confirm, "judge as a winner is judged: three processes, unused inputs");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, options] { action = [options](Context& c) { return RunVerify(*options, c); }; });
}

}  // namespace kopt
