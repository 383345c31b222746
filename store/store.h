// The memory: one SQLite file (WAL) with tasks, runs, turns, candidates, verdicts and every sample.
// docs/state.md describes the tables. Every call is one transaction: what returned without an error survives kill -9
// and, but for the two calls that say so, a power cut; what did not leaves no trace. Errors name the file and what to
// do: exit 3 for a full disk, a lock, damage or a missing permission. Calls from several threads take turns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "verifier/core/verdict.h"

namespace kopt {

using RowId = int64_t;

struct RunRow {
  std::string run;   // "attention-20261120-174402-3f2a": unique, file-name safe
  std::string task;  // spec name
  std::string spec_hash;
  std::string target;
  std::string device;
  std::string state;           // running, interrupted, waiting, done
  std::string outcome;         // "", improved, no_improvement, no_correct_candidate
  std::string started, ended;  // ISO 8601, UTC
  double budget_seconds = 0;
  double active_seconds = 0;        // spent so far
  nlohmann::ordered_json settings;  // flags in force, seeds, versions
  nlohmann::ordered_json result;    // the document of `optimize --json`; null until done
  int turns = 0;
};

struct TurnRow {
  int turn = 0;  // 0: the seed
  RowId candidate = 0;
  std::string created;
  nlohmann::ordered_json detail;  // room for prompt, reply, tokens
};

struct VerdictRow {
  RowId id = 0;
  int turn = 0;
  std::string configuration;  // Text(Configuration)
  bool confirmation = false;
  Verdict verdict;
  std::string created;
  double at_seconds = 0;  // active time of the run when it was reached
};

// A prompt to a model and its reply. States: asked; answered (the reply is stored, nobody has looked at it); looked_at
// (its candidate is a turn, or the detail says why there is none); failed (there will be no reply); cancelled.
struct ExchangeRow {
  int turn = 0;  // from 1 on; also that of the candidate in the reply
  std::string state = "asked";
  std::string model;            // "external": somebody outside
  std::string prompt;           // as it was sent: JSON, or text
  std::vector<int> shown;       // turns that the prompt shows
  std::string asked, answered;  // ISO 8601, UTC; answered: empty until it is
  double asked_at = 0;          // active time of the run
  std::optional<double> answered_at;
  std::string reply;
  nlohmann::ordered_json detail =
      nlohmann::ordered_json::object();  // reasoning, finish_reason, failure, complaint, ...
  std::optional<int64_t> prompt_tokens, completion_tokens;
  std::optional<double> usd;
};

// Means over the replies that a model gave.
struct ReplyFigures {
  int64_t replies = 0;           // 0: the others are not known
  double seconds = 0;            // from the question to the reply, in active time
  double completion_tokens = 0;  // as the endpoint counted, or estimated
};

// A file that a spec fills a tensor from.
struct TaskFile {
  std::string name;                    // as the spec writes it
  std::string hash;                    // ContentHash
  std::optional<std::string> content;  // nothing: too large to be kept, see kLargestKept
};
inline constexpr size_t kLargestKept = size_t{512} << 20;  // bytes

struct TaskRow {
  std::string spec_hash, name, text;
  std::vector<TaskFile> files;
};

struct CandidateText {
  std::string source, normalised;
};

class Store {
 public:
  // Opens or creates DIR/kopt.sqlite, migrates it forward. Errors (exit 3 unless said): a folder that cannot be
  // written, a file that is no database or damaged, a database written by a later kopt or another program, one locked
  // for more than `busy_seconds` (which every later call waits as well).
  static Result<Store> Open(const std::filesystem::path& folder, double busy_seconds = 10);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // Writes and commits a row, so that a locked, full or read-only state is found before work is spent, not after.
  Result<void> CheckWritable();

  Result<void> AddTask(const TaskRow& task);
  Result<std::optional<TaskRow>> FindTask(std::string_view spec_hash);
  Result<void> AddRun(const RunRow& run);
  // All or nothing: the task, the candidates (the first one is turn 0's), the run, turn 0.
  Result<void> BeginRun(const RunRow& run, const TaskRow& task, std::span<const CandidateText> candidates,
                        const nlohmann::ordered_json& turn_detail);
  Result<void> UpdateRun(const RunRow& run);  // state, outcome, ended, both seconds, settings, result
  // Makes a run that has ended, or whose process has, `running` with these settings and `run.budget_seconds`. False:
  // somebody else changed it since `run` was read.
  Result<bool> ClaimRun(const RunRow& run, const nlohmann::ordered_json& settings);
  Result<std::vector<RunRow>> Runs();  // newest first
  // By exact name, or by an unambiguous prefix or the word "last"; an unknown one is a usage error that names the
  // nearest.
  Result<RunRow> FindRun(std::string_view name);

  // Content-addressed: the same source gives the same row.
  Result<RowId> AddCandidate(std::string_view source, std::string_view normalised);
  Result<std::string> CandidateSource(RowId candidate);
  Result<std::optional<std::string>> FindCandidate(std::string_view source_hash);
  Result<void> AddTurn(std::string_view run, const TurnRow& turn);
  Result<std::vector<TurnRow>> Turns(std::string_view run);
  // With all its samples and the run's active time, in one transaction. A second one of the same kind for the same
  // configuration of the turn is refused (exit 4).
  Result<RowId> AddVerdict(std::string_view run, const VerdictRow& row);
  // Without samples unless asked for.
  Result<std::vector<VerdictRow>> Verdicts(std::string_view run, bool with_samples = false);
  // The next number that no turn and no exchange of the run has.
  Result<int> NextTurn(std::string_view run);
  // False: somebody took the number meanwhile. `with_next`: on the disk with what is stored next, where nobody would
  // notice that it is lost with the machine's power.
  Result<bool> AddExchange(std::string_view run, const ExchangeRow& row, bool with_next = false);
  // The reply with what came with it: answered_at (the run's active time is then at least that), detail, tokens, price.
  // False: nobody waits for it (any more).
  Result<bool> AnswerExchange(std::string_view run, const ExchangeRow& row);
  // Of one that is asked: `state` (failed or cancelled), detail, tokens, price. False as above.
  Result<bool> EndExchange(std::string_view run, const ExchangeRow& row);
  // An answered one was looked at: its candidate, if it holds one, becomes the turn, in the same transaction; `detail`
  // is added to what is there. False: it was looked at before. On the disk with what is stored next: the reply is
  // there, and can be looked at again.
  Result<bool> LookAtExchange(std::string_view run, int turn, const std::optional<CandidateText>& candidate,
                              const nlohmann::ordered_json& detail);
  // In order of their numbers; without prompts, replies and what the model thought unless asked for.
  Result<std::vector<ExchangeRow>> Exchanges(std::string_view run, bool with_texts = false);
  // What replies of a model were like, over all runs.
  Result<ReplyFigures> FiguresOf(std::string_view model);
  Result<std::optional<ExchangeRow>> FindExchange(std::string_view run, int turn);
  Result<void> AddEvent(std::string_view run, std::string_view kind, const nlohmann::ordered_json& detail);

  // With all that belongs to it, and what no other run needs. False: somebody changed it since `run` was read.
  Result<bool> RemoveRun(const RunRow& run);
  // Verdicts keep their figures; only the single timings go.
  Result<void> DropSamples(std::string_view run);
  Result<std::vector<std::string>> RunsWithSamples();  // oldest first
  Result<int64_t> UsedBytes();                         // of the file, without what was freed
  Result<int64_t> ArrayBytes();                        // of the arrays that tasks were filled from
  Result<bool> HasFile(std::string_view hash);
  // Gives freed space back to the file system.
  Result<void> Compact();

  // A small persistent map for facts that outlive a run: calibration, power checks, by complete key.
  Result<std::optional<std::string>> Get(std::string_view space, std::string_view key);
  Result<void> Put(std::string_view space, std::string_view key, std::string_view value);

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "$XDG_STATE_HOME/kopt", or "~/.local/state/kopt"; empty if neither variable names a folder.
std::filesystem::path DefaultStateFolder();

}  // namespace kopt
