#include "agent/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/evidence.h"
#include "agent/retry.h"
#include "base/compiler_place.h"
#include "base/files.h"
#include "task/library_problem.h"

namespace kopt {
namespace {

Result<Candidate> ReadCandidate(const Spec& spec, Target target, const std::string& file) {
  KOPT_TRY(std::string source, ReadFile(file));
  return ParseCandidate(spec, target, std::move(source), file);
}

Result<Candidate> ReadNamed(const Spec& spec, Target target, const std::string& name, const char* key) {
  auto candidate = ReadCandidate(spec, target, (spec.Folder() / name).string());
  if (candidate || !candidate.error().hint.empty()) return candidate;
  Error error = std::move(candidate).error();
  error.hint = fmt::format("{} names it under [{}]", spec.file, key);
  return std::unexpected(std::move(error));
}

}  // namespace

std::string Contestants::BaselineText() const {
  if (baseline) return baseline->file;
  if (!seed) return "none";
  if (seed->tunables.empty()) return fmt::format("the seed {}", seed->file);
  return fmt::format("the seed {} with its default tunables ({})", seed->file, Text(DefaultConfiguration(*seed)));
}

Result<Contestants> ReadContestants(const Spec& spec, Target target, const std::string& seed_file) {
  Contestants contestants;
  if (!seed_file.empty()) {
    KOPT_TRY(contestants.seed, ReadCandidate(spec, target, seed_file));
  } else if (auto named = spec.seed.find(target); named != spec.seed.end()) {
    KOPT_TRY(contestants.seed, ReadNamed(spec, target, named->second, "seed"));
  }
  if (contestants.seed) KOPT_CHECK(MustHaveKernels(*contestants.seed));
  KOPT_TRY(contestants.baseline, ReadBaseline(spec, target));
  return contestants;
}

Result<Candidate> NamedBaseline(const Spec& spec, Target target, const std::string& file_or_library) {
  const auto& libraries = LibraryNames();
  if (std::ranges::find(libraries, file_or_library) == libraries.end()) {
    return ReadCandidate(spec, target, file_or_library);
  }
  if (target != Target::kCuda) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("{} is a library of the cuda target", file_or_library),
                                 .key = "--baseline",
                                 .hint = "add --target cuda, or name a file"});
  }
  return ParseCandidate(spec, target, LibraryPlan(file_or_library), file_or_library);
}

Result<std::optional<Candidate>> ReadBaseline(const Spec& spec, Target target) {
  if (target == Target::kCuda && !spec.library.empty()) return NamedBaseline(spec, target, spec.library);
  const auto named = spec.baseline.find(target);
  if (named == spec.baseline.end()) return std::nullopt;
  KOPT_TRY(Candidate baseline, ReadNamed(spec, target, named->second, "baseline"));
  return baseline;
}

Result<void> MustBeMeasured(const Verdict& verdict, const std::string& what, const Candidate& candidate) {
  if (verdict.correct()) return {};
  const CompilerPlace place =
      verdict.outcome == Outcome::kCompileError ? PlaceIn("candidate.cpp", verdict.reason) : CompilerPlace{};
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("{} is not usable: {}", what, Summary(verdict)),
                               .file = candidate.file,
                               .line = place.line,
                               .column = place.column,
                               .hint = "no budget was spent; repair the file and run again",
                               .log = EvidenceText(verdict.evidence)});
}

Result<Verdict> EstablishBaseline(Verifier& verifier, const Contestants& contestants) {
  const Candidate& candidate = *contestants.Baseline();
  KOPT_TRY(Verdict verdict,
           WithRetries([&] { return verifier.SetBaseline(candidate, DefaultConfiguration(candidate)); }));
  const std::string what = contestants.SeedIsBaseline() ? "the seed, which is also the baseline," : "the baseline";
  KOPT_CHECK(MustBeMeasured(verdict, what, candidate));
  return verdict;
}

}  // namespace kopt
