#include "cli/verify_manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/format.h"
#include "agent/manifest.h"
#include "agent/retry.h"
#include "agent/stored_run.h"
#include "base/files.h"
#include "base/printable.h"
#include "cli/run_job.h"
#include "cli/verdict_text.h"

namespace kopt {
namespace {

constexpr size_t kLargestManifest = 1 << 20;

struct Recorded {
  Candidate candidate;
  Configuration configuration;
};

Result<Recorded> Find(Store& store, const Spec& spec, const Manifest& manifest, const std::string& hash,
                      const std::string& file, const std::string& configuration) {
  KOPT_TRY(auto source, store.FindCandidate(hash));
  if (!source) {
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = fmt::format("the state does not hold the source {} ({})", file, hash),
              .file = manifest.file,
              .hint = "name the state folder in which it was judged, or a copy of it, with --state"});
  }
  KOPT_TRY(Candidate candidate, ParseCandidate(spec, manifest.target, *std::move(source), file));
  auto bound = ParseConfiguration(candidate, configuration);
  if (!bound) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("`{}` is no configuration of {}", configuration, file),
                                 .file = manifest.file,
                                 .hint = "give the manifest.json as kopt wrote it"});
  }
  return Recorded{.candidate = std::move(candidate), .configuration = *std::move(bound)};
}

// Whether both intervals hold a common value; nothing without both.
std::optional<bool> Agrees(const Manifest& manifest, const Verdict& verdict) {
  if (!manifest.interval || !verdict.speedup_interval) return std::nullopt;
  return manifest.interval->low <= verdict.speedup_interval->high &&
         verdict.speedup_interval->low <= manifest.interval->high;
}

std::string ComparisonText(const Manifest& manifest, const Verdict& verdict, const std::vector<std::string>& changed) {
  Verdict then;
  then.speedup = manifest.speedup;
  then.speedup_interval = manifest.interval;
  const auto agrees = Agrees(manifest, verdict);
  std::string text = fmt::format("\nrecorded: {}; now: {}{}\n", FormatSpeedup(then), FormatSpeedup(verdict),
                                 !agrees   ? ""
                                 : *agrees ? ": the intervals overlap"
                                           : ": the intervals do not overlap");
  text += changed.empty() ? "made with the same programs, compiler and machine as then\n" : "not as it was then:\n";
  for (const std::string& line : changed) text += "  " + Printable(line) + "\n";
  return text;
}

}  // namespace

Result<int> RunVerifyManifest(const std::string& file, Context& context) {
  KOPT_TRY(const std::string text, ReadFile(file, kLargestManifest));
  KOPT_TRY(const Manifest manifest, ParseManifest(text, file));
  KOPT_CHECK(context.UseTarget(manifest.target));
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(const Spec spec, StoredSpec(store, manifest.spec_hash, manifest.spec_file, context.KeptFiles()));
  KOPT_TRY(const Recorded winner,
           Find(store, spec, manifest, manifest.candidate_hash, manifest.candidate_file, manifest.configuration));
  KOPT_TRY(const Recorded baseline, Find(store, spec, manifest, manifest.baseline_hash, manifest.baseline_file,
                                         manifest.baseline_configuration));
  const auto progress = context.MakeProgress();
  KOPT_TRY(const Calibration calibration, context.EnsureCalibrated(store, *progress));
  KOPT_TRY(const auto verifier, context.backend().new_verifier(spec, context.OptionsFor(calibration.peaks)));
  KOPT_TRY(auto now, MadeWith(verifier->device(), context));
  progress->Show({.doing = "checking the spec's power against wrong answers"});
  KOPT_CHECK(WithRetries([&] { return verifier->Register(); }));
  progress->Show({.doing = "judging the baseline"});
  KOPT_TRY(const Verdict alone,
           WithRetries([&] { return verifier->SetBaseline(baseline.candidate, baseline.configuration); }));
  KOPT_CHECK(MustBeMeasured(alone, "the baseline", baseline.candidate));
  if (alone.evidence.contains("library")) now["library"] = alone.evidence["library"].front();
  const std::vector<std::string> changed = Differences(manifest.made_with, now);
  progress->Show({.doing = fmt::format("confirming {}", Text(winner.configuration))});
  KOPT_TRY(const Verdict verdict, WithRetries([&] {
             return verifier->Confirm(winner.candidate, winner.configuration, {.seed = manifest.input_seed});
           }));
  KOPT_CHECK(context.KeepPeaks(store, calibration, verifier->peaks()));
  progress->End();
  context.Print(VerdictText(verdict, manifest.baseline_file) + ComparisonText(manifest, verdict, changed));
  nlohmann::ordered_json document = verdict.Json();
  const auto agrees = Agrees(manifest, verdict);
  document["manifest"] = {
      {"file", file}, {"agrees", agrees ? nlohmann::ordered_json(*agrees) : nullptr}, {"changed", changed}};
  context.Document(document);
  return verdict.correct() ? 0 : 1;
}

}  // namespace kopt
