// What a long memory costs: `memory_speed [TURNS [FOLDER]]`, by default a million turns in a temporary folder.
//
//   in the process   how long the next choice of turns and the next prompt take, once so many turns are known: time of
//                    the CPU, so that other programs do not count
//   in the store     how long its questions take in a run of so many turns, and how many turns a second are committed,
//                    beside how often the same file system writes 4 kB and syncs them
//
// Exit 1 if a choice or the window's prompt took 2 ms in the worst of 1000, or if turns of short texts are committed
// less than 1000 times a second and also less than half as often as the disk's rate allows with two syncs a turn.
//
// Turns hold as little text as a candidate can (300 bytes), those that prompts show 6 kB; no samples. They are put into
// the store in one transaction.
#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "agent/memory.h"
#include "agent/recorder.h"
#include "agent/stored_run.h"
#include "base/files.h"
#include "base/hash.h"
#include "bench/scripted.h"
#include "store/sqlite.h"

namespace kopt {
namespace {

constexpr double kMostMilliseconds = 2;
constexpr double kTurnsASecond = 1000;
constexpr int kCommits = 4;  // of a turn: asked, answered, looked at, verdict
constexpr int kSynced = 2;   // of these reach the disk by themselves: answered, verdict
constexpr int kTimes = 1000;
constexpr const char* kRun = "long";

double Seconds(const std::function<void()>& work) {
  const double begin = SystemClock().Now();
  work();
  return SystemClock().Now() - begin;
}

double CpuSeconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double begin = now();
  work();
  return now() - begin;
}

struct Times {
  std::vector<double> seconds;
  void Add(const std::function<void()>& work) { seconds.push_back(Seconds(work)); }
  void AddCpu(const std::function<void()>& work) { seconds.push_back(CpuSeconds(work)); }
  double Median() {
    std::ranges::sort(seconds);
    return seconds[seconds.size() / 2];
  }
  double Worst() const { return std::ranges::max(seconds); }
};

// Prints a line; true if both figures are below the limit.
bool Print(const std::string& what, Times times) {
  const double median = 1e3 * times.Median(), worst = 1e3 * times.Worst();
  fmt::print("{:44} {:9.3f} ms median {:9.3f} ms worst of {}\n", what, median, worst, times.seconds.size());
  return worst < kMostMilliseconds;
}

void PrintOnce(const std::string& what, double seconds) { fmt::print("{:44} {:9.3f} s\n", what, seconds); }

// ---- in the process ----

Verdict Measured(double speedup) {
  Verdict verdict{.outcome = Outcome::kMeasured, .stage = Stage::kMeasure, .time_us = 1000 / speedup};
  verdict.speedup = speedup;
  verdict.speedup_interval = Interval{0.98 * speedup, 1.02 * speedup};
  verdict.evidence = {{"elements", 64}, {"largest_deviation", 3.5}};
  return verdict;
}

Verdict Failed() {
  Verdict verdict{.outcome = Outcome::kMismatch, .stage = Stage::kCheck, .reason = "3 of 64 elements are wrong"};
  verdict.evidence = {{"elements", 64}, {"wrong", 3}};
  return verdict;
}

// Each fifth turn fails; each thousandth is faster than all before it.
Verdict VerdictOf(int turn) { return turn % 5 == 3 ? Failed() : Measured(turn % 1000 == 0 ? 1 + 1e-6 * turn : 0.9); }
bool IsShown(int turn, int turns) { return turn % 1000 == 0 || turn > turns - 100; }

Turn LightTurn(int number, size_t bytes) {
  return {.number = number, .source = ScaleCandidate(number, bytes), .code_hash = fmt::format("{:016x}", number)};
}

struct Known {
  Spec spec;
  Device device{.name = "a simulated device", .values = {{"THREADS", 2}}};
  std::deque<Turn> turns;  // from 1 on
};

void Tell(Memory& memory, const Turn& turn) {
  memory.Add(turn);
  memory.Learn({.turn = turn.number, .verdict = VerdictOf(turn.number)}, false);
}

bool MeasurePrompts(Known& known, Strategy strategy, int turns) {
  const std::string name(Name(strategy));
  Memory memory(known.spec, Target::kCpu, known.device, {}, {.strategy = strategy});
  const double adding = CpuSeconds([&] {
    for (int i = 0; i < turns; ++i) Tell(memory, known.turns[static_cast<size_t>(i)]);
  });
  PrintOnce(name + ": all turns learnt", adding);
  Times learning, writing;
  for (int i = 0; i < kTimes; ++i) {
    const Turn& next = known.turns[known.turns.size() - kTimes + static_cast<size_t>(i)];
    learning.AddCpu([&] { Tell(memory, next); });
    writing.AddCpu([&] { (void)memory.Write(next.number + 1, 0.5); });
  }
  Print(name + ": a turn more", learning);
  const bool fine = Print(name + ": the next prompt", writing);
  const int best = turns / 1000 * 1000;
  const double refuting = CpuSeconds([&] { memory.Learn({.turn = best, .verdict = Failed()}, true); });
  PrintOnce(name + ": the best one proves wrong", refuting);
  return fine || strategy != Strategy::kWindow;
}

bool MeasureChoice(int turns) {
  bool fine = true;
  for (const Strategy strategy : {Strategy::kWindow, Strategy::kHistory}) {
    Window window(strategy);
    for (int i = 1; i <= turns; ++i) {
      const Verdict verdict = VerdictOf(i);
      window.Add({.number = i,
                  .reward = verdict.speedup.value_or(0),
                  .correct = verdict.correct(),
                  .code_hash = fmt::format("{:016x}", i),
                  .tokens = 2000});
    }
    Times choosing;
    for (int i = 0; i < kTimes; ++i) choosing.AddCpu([&] { (void)window.Choose(32'000); });
    fine &= Print(fmt::format("{}: the next choice", Name(strategy)), choosing);
  }
  return fine;
}

bool MeasureProcess(int turns) {
  Known known{.spec = *ParseSpec(kScaleSpec, "scale.spec")};
  for (int i = 1; i <= turns + kTimes; ++i) known.turns.push_back(LightTurn(i, IsShown(i, turns) ? 6000 : 0));
  bool fine = MeasureChoice(turns);
  for (const Strategy strategy : {Strategy::kWindow, Strategy::kHistory}) {
    fine &= MeasurePrompts(known, strategy, turns);
  }
  return fine;
}

// ---- in the store ----

// The run with its seed; the state is closed again.
Result<void> BeginRun(const std::filesystem::path& folder, const Spec& spec) {
  KOPT_TRY(Store store, Store::Open(folder));
  const Job job = ScaleJob(spec, kRun, folder, kPlainSeed);
  Recorder recorder(store, {.run = kRun, .task = spec.name, .spec_hash = spec.hash, .target = "cpu", .device = "none"});
  return recorder.Begin(spec, job.contestants);
}

// As `turns` turns would leave them.
Result<void> FillStore(const std::filesystem::path& folder, int turns) {
  KOPT_TRY(const auto database, sqlite::Database::Open(folder / "kopt.sqlite", 1000));
  KOPT_CHECK(database->Run("PRAGMA cache_size = -2000000"));  // kB: hashes come in no order
  KOPT_TRY(sqlite::Transaction transaction, sqlite::Transaction::Begin(*database));
  KOPT_TRY(const int64_t run, database->Number("SELECT id FROM run"));
  KOPT_TRY(const int64_t first, database->Number("SELECT max(id) FROM candidate"));
  KOPT_TRY(auto candidate, database->Query("INSERT INTO candidate VALUES (?, ?, ?, ?, '')"));
  KOPT_TRY(auto turn, database->Query("INSERT INTO turn VALUES (?, ?, ?, '', '{\"kind\":\"model\"}')"));
  KOPT_TRY(auto exchange, database->Query("INSERT INTO exchange (run, turn, state, model, prompt, shown, asked, "
                                          "answered, asked_at, answered_at, reply, detail, prompt_tokens, "
                                          "completion_tokens) VALUES (?, ?, 'looked_at', 'm', 'improve on them', "
                                          "'[1,2,3,4]', '', '', ?, ?, ?, '{}', 10000, 2000)"));
  KOPT_TRY(auto verdict, database->Query("INSERT INTO verdict (run, turn, configuration, confirmation, outcome, stage, "
                                         "reason, remark, speedup, confirmed, evidence, stage_seconds, created, "
                                         "at_seconds) VALUES (?, ?, '-', 0, 'measured', 'measure', '', '', ?, 0, '{}', "
                                         "'[]', '', ?)"));
  for (int number = 1; number <= turns; ++number) {
    const std::string source = ScaleCandidate(number);
    const std::string hash = ContentHash(source);
    const int64_t id = first + number;
    candidate.Bind(id), candidate.Bind(hash), candidate.Bind(hash), candidate.Bind(source);
    turn.Bind(run), turn.Bind(number), turn.Bind(id);
    exchange.Bind(run), exchange.Bind(number), exchange.Bind(1.0 * number), exchange.Bind(1.0 * number + 0.5),
        exchange.Bind(source);
    verdict.Bind(run), verdict.Bind(number), verdict.Bind(0.9), verdict.Bind(1.0 * number + 1);
    for (sqlite::Statement* insert : {&candidate, &turn, &exchange, &verdict}) KOPT_CHECK(insert->Run());
  }
  return transaction.Commit();
}

// What one turn of a run commits. False: the store failed.
bool CommitTurn(Store& store, int number, const std::string& prompt, const std::string& code,
                std::vector<Times>& times) {
  ExchangeRow row{.turn = number, .model = "m", .prompt = prompt, .shown = {1, 2, 3, 4}};
  Verdict verdict = Measured(0.9);
  verdict.samples.push_back({.quads = std::vector<Quad>(8, Quad{1e-3, 1e-3, 1e-3, 1e-3})});
  bool fine = true;
  times[0].Add([&] { fine &= store.AddExchange(kRun, row, true).value_or(false); });
  row.reply = ReplyWith(code);
  row.answered_at = 1;
  times[1].Add([&] { fine &= store.AnswerExchange(kRun, row).value_or(false); });
  times[2].Add([&] { fine &= store.LookAtExchange(kRun, number, CandidateText{code, code}, {}).value_or(false); });
  times[3].Add(
      [&] { fine &= store.AddVerdict(kRun, {.turn = number, .configuration = "-", .verdict = verdict}).has_value(); });
  return fine;
}

// Writes of 4 kB with a sync after each, a second.
double SyncsASecond(const std::filesystem::path& folder, int count) {
  const Fd file(open((folder / "probe").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const std::string page(4096, 'x');
  const double seconds = Seconds([&] {
    for (int i = 0; i < count; ++i) (void)!(write(file.get(), page.data(), page.size()) + fdatasync(file.get()));
  });
  return count / seconds;
}

// Blocks of turns and of syncs in turns, because disks have moods.
bool MeasureCommits(const std::filesystem::path& folder, Store& store, int next, size_t prompt_bytes,
                    size_t code_bytes) {
  constexpr int kBlocks = 10, kTurns = 100;
  const std::string prompt(prompt_bytes, 'p');
  std::vector<Times> commits(kCommits);
  Times turns, syncs;  // the latter: of one
  bool stored = true;
  for (int block = 0; block < kBlocks; ++block) {
    syncs.seconds.push_back(1 / SyncsASecond(folder, kTurns * kSynced));
    for (int i = 0; i < kTurns; ++i, ++next) {
      const std::string code = ScaleCandidate(next, code_bytes);
      turns.Add([&] { stored &= CommitTurn(store, next, prompt, code, commits); });
    }
  }
  double sum = 0;
  for (const double seconds : turns.seconds) sum += seconds;
  const double rate = kBlocks * kTurns / sum, disk = 1 / syncs.Median();
  fmt::print(
      "committed with prompts of {:5} B, code of {:4} B: {:5.0f} turns/s; the disk: {:5.0f} syncs/s, {:.0f} % of "
      "them used\n",
      prompt_bytes, code_bytes, rate, disk, 100 * rate * kSynced / disk);
  const char* names[] = {"  asked", "  answered", "  looked at", "  verdict with 8 quads"};
  for (size_t i = 0; i < commits.size(); ++i) Print(names[i], commits[i]);
  return stored && (rate >= kTurnsASecond || rate * kSynced >= disk / 2);
}

void MeasureQuestions(Store& store, const std::filesystem::path& folder, int turns) {
  Times next, find;
  for (int i = 0; i < kTimes; ++i) {
    next.Add([&] { (void)store.NextTurn(kRun); });
    find.Add([&] { (void)store.FindExchange(kRun, 1 + static_cast<int>(7919LL * i % turns)); });
  }
  Print("NextTurn", next);
  Print("FindExchange", find);
  PrintOnce("Turns", Seconds([&] { (void)store.Turns(kRun); }));
  PrintOnce("Exchanges without texts", Seconds([&] { (void)store.Exchanges(kRun); }));
  PrintOnce("FiguresOf a model", Seconds([&] { (void)store.FiguresOf("m"); }));
  PrintOnce("Runs", Seconds([&] { (void)store.Runs(); }));
  const auto row = store.FindRun(kRun);
  PrintOnce("LoadRun", Seconds([&] { (void)LoadRun(store, *row, folder / "files"); }));
}

// False: a limit was missed.
Result<bool> MeasureStore(const std::filesystem::path& folder, int turns) {
  KOPT_TRY(const Spec spec, ParseSpec(kScaleSpec, "scale.spec"));
  KOPT_CHECK(BeginRun(folder, spec));
  Result<void> filled;
  PrintOnce("filled in one transaction", Seconds([&] { filled = FillStore(folder, turns); }));
  KOPT_CHECK(filled);
  KOPT_TRY(Store store, Store::Open(folder));
  KOPT_TRY(const int64_t bytes, store.UsedBytes());
  fmt::print("{:44} {:9.1f} MB\n", "the file", 1e-6 * static_cast<double>(bytes));
  MeasureQuestions(store, folder, turns);
  KOPT_TRY(const int next, store.NextTurn(kRun));
  const bool fine = MeasureCommits(folder, store, next, 100, 0);
  MeasureCommits(folder, store, next + kTimes, 36'000, 6'000);  // as long as real ones
  return fine;
}

int Run(int turns, const std::filesystem::path& where) {
  const auto folder = TemporaryFolder::CreateIn(where, "kopt-memory-speed");
  if (!folder) return 2;
  fmt::print("{} turns\n", turns);
  const bool fine = MeasureProcess(turns);
  const auto stored = MeasureStore(folder->path(), turns);
  if (!stored) fmt::print("{}\n", stored.error().Text());
  if (!stored) return 2;
  fmt::print("limits: choice and prompt {}, commits {}\n", fine ? "met" : "MISSED", *stored ? "met" : "MISSED");
  return fine && *stored ? 0 : 1;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  return kopt::Run(argc > 1 ? std::atoi(argv[1]) : 1'000'000,
                   argc > 2 ? argv[2] : std::filesystem::temp_directory_path());
}
