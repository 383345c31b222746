#include <fmt/format.h>

#include <algorithm>

#include "agent/baseline.h"
#include "agent/evidence.h"
#include "agent/retry.h"
#include "agent/turn.h"
#include "base/files.h"
#include "cli/bind_tunables.h"
#include "cli/commands.h"
#include "cli/verdict_text.h"
#include "cli/verify_manifest.h"
#include "task/library_problem.h"
#include "verifier/cuda/cuda_verifier.h"

namespace kopt {
namespace {

struct VerifyOptions {
  std::string spec, file, baseline, manifest;
  std::vector<std::string> set;
  std::string arch = "sm_90a";
  bool confirm = false, compile_only = false;
};

int Report(const Verdict& verdict, const std::string& baseline, Context& context) {
  context.Print(VerdictText(verdict, baseline));
  context.Document(verdict.Json());
  return verdict.correct() ? 0 : 1;
}

// Whether a candidate compiles, and what its kernels need: on any machine with CUDA's toolkit.
Result<int> RunCompileOnly(const VerifyOptions& options, const Spec& spec, const Candidate& candidate,
                           Context& context) {
  KOPT_TRY(const Configuration configuration, BindTunables(candidate, options.set));
  KOPT_TRY(const CompileOnly result,
           CompileForCuda(spec, candidate, configuration, options.arch, context.OptionsFor({})));
  if (!result.compiled) return Report(result.verdict, "", context);
  nlohmann::ordered_json document = result.verdict.Json();
  document["outcome"] = document["correct"] = nullptr;
  context.Print(CompiledText(result.verdict, options.arch));
  context.Document(document);
  return 0;
}

Result<int> RunVerify(const VerifyOptions& options, Context& context) {
  if (!options.manifest.empty()) {
    if (options.spec.empty() && options.set.empty() && options.baseline.empty())
      return RunVerifyManifest(options.manifest, context);
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "a manifest says by itself what is judged",
                                 .key = "--manifest",
                                 .hint = "give it alone, without SPEC, FILE, --set and --baseline"});
  }
  if (options.spec.empty() || options.file.empty()) {
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = fmt::format("`kopt verify` needs {}", options.spec.empty() ? "SPEC" : "FILE"),
              .key = options.spec.empty() ? "SPEC" : "FILE",
              .hint = "see `kopt verify --help`"});
  }
  KOPT_TRY(const Target named, context.NamedTarget());
  if (options.compile_only && named != Target::kCuda) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "--compile-only is for device code",
                                 .key = "--compile-only",
                                 .hint = "add --target cuda"});
  }
  if (!options.compile_only) KOPT_CHECK(context.ChosenTarget());
  const Target target = named;
  KOPT_TRY(const Spec spec, ReadSpec(options.spec));
  KOPT_TRY(std::string source, ReadFile(options.file));
  const auto candidate = ParseCandidate(spec, target, std::move(source), options.file);
  if (!candidate && candidate.error().exit == Exit::kUsage) return Report(RejectedPlan(candidate.error()), "", context);
  if (!candidate) return std::unexpected(candidate.error());
  if (auto refused = MustHaveKernels(*candidate); !refused) return Report(RejectedPlan(refused.error()), "", context);
  if (options.compile_only) return RunCompileOnly(options, spec, *candidate, context);
  KOPT_TRY(const Configuration configuration, BindTunables(*candidate, options.set));
  KOPT_TRY(Contestants contestants, ReadContestants(spec, target, ""));
  if (!options.baseline.empty()) {
    KOPT_TRY(contestants.baseline, NamedBaseline(spec, target, options.baseline));
  }
  const bool alone = contestants.Baseline() == nullptr;
  if (alone && options.confirm) {
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = "the spec has neither a [baseline] nor a [seed] to confirm against",
              .file = options.spec,
              .key = "--confirm",
              .hint = "name one, or give --baseline; without --confirm the candidate is checked and timed alone"});
  }
  KOPT_TRY(Store store, context.OpenStore());
  const auto progress = context.MakeProgress();
  KOPT_TRY(const Calibration calibration, context.EnsureCalibrated(store, *progress));
  KOPT_TRY(const auto verifier, context.backend().new_verifier(spec, context.OptionsFor(calibration.peaks)));
  progress->Show({.doing = "checking the spec's power against wrong answers"});
  KOPT_CHECK(WithRetries([&] { return verifier->Register(); }));
  if (!alone) {
    progress->Show({.doing = "judging the baseline"});
    KOPT_CHECK(EstablishBaseline(*verifier, contestants));
  }
  progress->Show({.doing = fmt::format("{} {}", options.confirm ? "confirming" : "judging", Text(configuration))});
  KOPT_TRY(const Verdict verdict, WithRetries([&] {
             if (alone) return verifier->SetBaseline(*candidate, configuration);
             return options.confirm ? verifier->Confirm(*candidate, configuration, {})
                                    : verifier->Screen(*candidate, configuration, {.profile_from = 0});
           }));
  KOPT_CHECK(context.KeepPeaks(store, calibration, verifier->peaks()));
  progress->End();
  return Report(verdict, contestants.BaselineText(), context);
}

}  // namespace

void AddVerify(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("verify", "judge one candidate: is it right, and how fast");
  auto options = std::make_shared<VerifyOptions>();
  command->add_option("SPEC", options->spec, "the task: a .spec file");
  command->add_option("FILE", options->file, "the candidate");
  command
      ->add_option("--manifest", options->manifest,
                   "repeat the judgement that this manifest.json records, from what the state holds")
      ->type_name("FILE");
  command->add_option("--set", options->set, "bind a tunable; default: its first value. Repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--baseline", options->baseline,
                   "measure against this instead of the spec's: code, or on cuda `cublaslt` or `cudnn`")
      ->type_name("FILE|LIBRARY");
  command->add_flag("--compile-only", options->compile_only,
                    "cuda: compile and bind the plan, without a device; says what the kernels need");
  command->add_option("--arch", options->arch, "what --compile-only compiles for (default: sm_90a)")->type_name("ARCH");
  command->add_flag("--confirm", options->confirm, "judge as a winner is judged: three processes, unused inputs");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, options] { action = [options](Context& c) { return RunVerify(*options, c); }; });
}

}  // namespace kopt
