#include "agent/stored_run.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>
#include <utility>

#include "agent/turn_record.h"
#include "base/files.h"
#include "base/hash.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr size_t kLargestFile = size_t{4} << 30;

std::unexpected<Error> Damaged(const RunRow& row, std::string what) {
  return std::unexpected(Error{
      .exit = Exit::kEnvironment,
      .message = fmt::format("the run {} cannot be read back: {}", row.run, what),
      .hint = fmt::format("`kopt show {}` prints what is there; `kopt runs rm {}` removes it", row.run, row.run)});
}

std::string TextOf(const ordered_json& settings, const char* part, const char* key) {
  const auto found = settings.is_object() ? settings.find(part) : settings.end();
  if (!settings.is_object() || found == settings.end() || !found->is_object()) return "";
  const auto value = found->find(key);
  return value != found->end() && value->is_string() ? value->get<std::string>() : "";
}

Result<Candidate> StoredCandidate(Store& store, const StoredRun& run, const char* part) {
  const ordered_json& settings = run.row.settings;
  const auto found = settings.is_object() ? settings.find(part) : settings.end();
  if (!settings.is_object() || found == settings.end() || !found->is_object()) {
    return Damaged(run.row, fmt::format("its settings name no {}", part));
  }
  std::string source;
  if (const auto id = found->find("candidate"); id != found->end() && id->is_number_integer()) {
    KOPT_TRY(source, store.CandidateSource(id->get<RowId>()));  // as version 1 of the state has it
  } else {
    KOPT_TRY(auto text, store.FindCandidate(TextOf(settings, part, "source")));
    if (!text) return Damaged(run.row, fmt::format("the source of its {} is missing", part));
    source = *std::move(text);
  }
  return ParseCandidate(run.spec, run.target, std::move(source), TextOf(settings, part, "file"));
}

Result<Contestants> StoredContestants(Store& store, const StoredRun& run) {
  Contestants contestants;
  KOPT_TRY(contestants.seed, StoredCandidate(store, run, "seed"));
  const ordered_json::json_pointer is_seed("/baseline/is_seed");
  if (run.row.settings.value(is_seed, ordered_json()) == true) return contestants;
  KOPT_TRY(contestants.baseline, StoredCandidate(store, run, "baseline"));
  return contestants;
}

Result<void> ReadTurns(Store& store, StoredRun& run) {
  run.turns.emplace(0, SeedTurn(*run.contestants.seed));
  KOPT_TRY(const std::vector<TurnRow> rows, store.Turns(run.row.run));
  for (const TurnRow& row : rows) {
    if (row.turn == 0) continue;
    KOPT_TRY(std::string source, store.CandidateSource(row.candidate));
    run.turns.emplace(row.turn, TurnOf(row.turn, std::move(source), run.spec, run.target));
  }
  KOPT_TRY(run.exchanges, store.Exchanges(run.row.run));
  for (const ExchangeRow& exchange : run.exchanges) {
    if (exchange.state != "looked_at" || !exchange.detail.is_object()) continue;
    const auto duplicate = exchange.detail.find("duplicate_of");
    const auto turn = run.turns.find(exchange.turn);
    if (turn == run.turns.end()) {
      run.turns.emplace(exchange.turn, ComplaintTurn(exchange.turn, DetailText(exchange, "complaint")));
    } else if (duplicate != exchange.detail.end() && duplicate->is_number_integer()) {
      turn->second.duplicate_of = duplicate->get<int>();
    }
  }
  return {};
}

// Of a configuration of a turn; a plan that breaks a rule has none.
std::optional<Configuration> ConfigurationOf(const StoredRun& run, const VerdictRow& row) {
  const auto turn = run.turns.find(row.turn);
  if (turn == run.turns.end()) return std::nullopt;
  if (row.configuration == "-" && !row.verdict.correct()) return Configuration();
  return turn->second.candidate ? ParseConfiguration(*turn->second.candidate, row.configuration) : std::nullopt;
}

Result<void> ReadVerdicts(Store& store, StoredRun& run) {
  KOPT_TRY(std::vector<VerdictRow> rows, store.Verdicts(run.row.run, true));
  for (VerdictRow& row : rows) {
    const auto configuration = ConfigurationOf(run, row);
    if (!configuration) {
      return Damaged(run.row, fmt::format("`{}` is no configuration of turn {}", row.configuration, row.turn));
    }
    Judged judged{.turn = row.turn,
                  .configuration = *configuration,
                  .verdict = std::move(row.verdict),
                  .at_seconds = row.at_seconds,
                  .confirmed = row.confirmation};
    (row.confirmation ? run.confirmations : run.screened).push_back(std::move(judged));
  }
  for (const Judged& confirmation : run.confirmations) {
    for (Judged& judged : run.screened) {
      judged.confirmed |= IsSame(judged, confirmation);
    }
  }
  return {};
}

}  // namespace

Result<TaskRow> TaskRowOf(const Spec& spec) {
  TaskRow task{.spec_hash = spec.hash, .name = spec.name, .text = spec.text};
  for (const std::string& name : spec.FilledFrom()) {
    KOPT_TRY(std::string content, ReadFile(spec.PathOf(name), kLargestFile));
    TaskFile file{.name = name, .hash = ContentHash(content)};
    if (content.size() <= kLargestKept) file.content = std::move(content);
    task.files.push_back(std::move(file));
  }
  return task;
}

Result<Spec> StoredSpec(Store& store, const std::string& spec_hash, const std::string& file,
                        const std::filesystem::path& folder) {
  KOPT_TRY(std::optional<TaskRow> task, store.FindTask(spec_hash));
  if (!task) {
    return UsageError(fmt::format("the state does not hold the task {}", spec_hash),
                      "name the state folder in which it was judged with --state");
  }
  SpecFiles files;
  std::error_code ignored;
  for (const TaskFile& kept : task->files) {
    if (!kept.content) continue;
    files[kept.name] = folder / kept.hash;
    const auto there = ReadFile(files[kept.name], kLargestFile);
    if (there && ContentHash(*there) == kept.hash) continue;
    std::filesystem::create_directories(folder, ignored);
    KOPT_CHECK(WriteFile(files[kept.name], *kept.content));
  }
  KOPT_TRY(Spec spec, ParseSpec(std::move(task->text), file.empty() ? task->name + ".spec" : file, std::move(files)));
  if (spec.hash == spec_hash) return spec;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = "an array that the spec fills a tensor from is not what it was",
                               .file = spec.file,
                               .key = "fill",
                               .hint = fmt::format("restore {}", fmt::join(spec.FilledFrom(), ", "))});
}

std::optional<Configuration> ParseConfiguration(const Candidate& candidate, const std::string& text) {
  Configuration configuration;
  std::istringstream words(text == "-" ? "" : text);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return std::nullopt;
    long long value = 0;
    const char* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data() + equals + 1, end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    configuration[word.substr(0, equals)] = value;
  }
  const Configuration defaults = DefaultConfiguration(candidate);
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  const bool same = std::ranges::equal(configuration, defaults, same_name);
  return same ? std::optional(std::move(configuration)) : std::nullopt;
}

Result<StoredRun> LoadRun(Store& store, RunRow row, const std::filesystem::path& folder) {
  StoredRun run{.row = std::move(row)};
  const auto target = ParseTarget(run.row.target);
  if (!target) return Damaged(run.row, fmt::format("`{}` is no target", run.row.target));
  run.target = *target;
  KOPT_TRY(run.spec, StoredSpec(store, run.row.spec_hash, TextOf(run.row.settings, "spec", "file"), folder));
  KOPT_TRY(run.contestants, StoredContestants(store, run));
  KOPT_CHECK(ReadTurns(store, run));
  KOPT_CHECK(ReadVerdicts(store, run));
  return run;
}

History HistoryOf(const StoredRun& run) {
  return {.row = run.row,
          .turns = run.turns,
          .exchanges = run.exchanges,
          .screened = run.screened,
          .confirmations = run.confirmations};
}

const Candidate& CandidateOf(const StoredRun& run, const Judged& judged) {
  return *run.turns.at(judged.turn).candidate;
}

}  // namespace kopt
