#include "agent/results.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "agent/report/report.h"
#include "agent/turn_files.h"
#include "base/files.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr size_t kLeastSpace = 256 << 10;  // bytes that the results of a short run need

std::unexpected<Error> FolderError(const std::filesystem::path& folder, std::string message, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .file = folder.string(),
                               .key = "--out",
                               .hint = std::move(hint)});
}

// The host's fault unless the user named what cannot be: EROFS, ENOSPC and the like end with exit 3.
std::unexpected<Error> CannotWrite(const std::filesystem::path& folder, const std::error_code& error) {
  auto failure = FolderError(folder, fmt::format("cannot create the folder: {}", error.message()),
                             "name a folder that can be written with --out");
  if (error.value() == EROFS || error.value() == ENOSPC || error.value() == EDQUOT || error.value() == EIO) {
    failure.error().exit = Exit::kEnvironment;
  }
  return failure;
}

std::string Dump(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

ordered_json VerdictEntry(const Judged& judged, bool confirmation) {
  ordered_json entry = {{"turn", judged.turn},
                        {"configuration", Text(judged.configuration)},
                        {"tunables", TunablesJson(judged.configuration)},
                        {"confirmation", confirmation},
                        {"at_seconds", judged.at_seconds}};
  ordered_json verdict = judged.verdict.Json();
  verdict.erase("kopt");
  entry.update(verdict);
  return entry;
}

ordered_json AllVerdicts(const OptimizeResult& result) {
  ordered_json verdicts = ordered_json::array();
  for (const Judged& judged : result.screened) verdicts.push_back(VerdictEntry(judged, false));
  for (const Judged& judged : result.confirmations) verdicts.push_back(VerdictEntry(judged, true));
  return {{"kopt", 1}, {"run", result.run.run}, {"verdicts", verdicts}};
}

}  // namespace

Result<void> PrepareResultsFolder(const std::filesystem::path& folder, bool own) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  if (std::filesystem::exists(status)) {
    if (!std::filesystem::is_directory(status)) return FolderError(folder, "this is a file, not a folder", "");
    const bool empty = std::filesystem::is_empty(folder, error);
    if (error) return FolderError(folder, fmt::format("cannot read the folder: {}", error.message()), "");
    if (!empty && !own) return FolderError(folder, "the results folder is not empty", "name a new one with --out");
  }
  std::filesystem::create_directories(folder, error);
  if (error) return CannotWrite(folder, error);
  // Learn now, not after the budget is spent, whether it can be written.
  const auto probe = folder / ".kopt";
  if (auto written = WriteFile(probe, std::string(kLeastSpace, '\n')); !written) {
    Error failure = std::move(written).error();
    failure.file = folder.string();
    failure.key = "--out";
    if (failure.hint.empty()) failure.hint = "name a folder that can be written with --out";
    return std::unexpected(std::move(failure));
  }
  std::filesystem::remove(probe, error);
  return {};
}

Result<void> WriteResults(const Job& job, const OptimizeResult& result, Store& store) {
  std::error_code error;
  std::filesystem::create_directories(job.out, error);
  if (error) {
    return EnvironmentError(fmt::format("cannot create {}: {}", job.out.string(), error.message()));
  }
  if (result.best) {
    KOPT_CHECK(WriteFile(job.out / BestFile(job.target),
                         SourceWithBoundTunables(CandidateOf(result, *result.best), result.best->configuration)));
    KOPT_CHECK(WriteFile(job.out / "verdict.json", Dump(result.best->verdict.Json())));
    KOPT_CHECK(WriteFile(job.out / kManifestFile, Dump(result.manifest)));
  }
  KOPT_CHECK(WriteFile(job.out / "verdicts.json", Dump(AllVerdicts(result))));
  if (job.asking.Asks()) KOPT_CHECK(WriteTurnFiles(job, result, store));
  const Document report = Report(job, result);
  KOPT_CHECK(WriteFile(job.out / kReportFile, RenderMarkdown(report)));
  KOPT_CHECK(WriteFile(job.out / kHtmlReportFile, RenderHtml(report)));
  return WriteFile(job.out / "result.json", Dump(result.document));
}

}  // namespace kopt
