// kill -9 at random moments of runs that ask a model: `kill_resume_model [KILLS]` (default 100). As kill_resume, with a
// simulated model that writes four replies at a time, a few bytes now and then: kills hit in the middle of replies, and
// while they are stored, looked at and judged. Exit 1 if a reply was lost, a verdict lost or made twice, the same code
// judged twice, a number left out, a request left open, or if what a run says it spent is not the sum of its requests.
//
// Real time, 50 times as fast: a screening takes 7 ms, a run 2 s.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "base/files.h"
#include "bench/killed_runs.h"

namespace kopt {
namespace {

constexpr double kSpeed = 50;
constexpr double kLongestLife = 0.8;  // seconds, of a process that is killed
constexpr const char* kModel = "slow-writer";
constexpr std::string_view kMark = "Reply ";  // of each reply, before its name
constexpr int kPieces = 12;
// Dollars per million tokens. A token costs a power of two: sums are exact in any order.
constexpr Price kPrice{.prompt = 1e6 / 4096, .completion = 1e6 / 1024};

// Writes slowly: candidates, some of them again, plans that break a rule, no code at all; and sometimes breaks off.
class SlowWriter final : public ChatModel {
 public:
  explicit SlowWriter(const KillLog& log) : log_(log) {}

  std::expected<ChatReply, ChatFailure> Ask(const ChatRequest&, const AskOptions& options) override {
    thread_local std::mt19937_64 random(std::random_device{}());
    thread_local std::string told;  // the name of the last reply
    // Whoever asks again has stored what it was told before.
    if (!told.empty()) log_.Say("stored " + told);
    told.clear();
    const std::string name = fmt::format("{}-{}", getpid(), ++replies_);
    const std::string content = fmt::format("{}{}.\n{}", kMark, name, Answer(random() % 1000));
    const bool breaks_off = random() % 50 == 0;
    for (int piece = 1; piece <= kPieces; ++piece) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
      if (options.stop.stop_requested()) return std::unexpected(ChatFailure{.kind = ChatFault::kCancelled});
      if (breaks_off && piece == kPieces / 2) return std::unexpected(ChatFailure{.kind = ChatFault::kCutStream});
      options.on_progress(content.size() * piece / kPieces);
    }
    told = name;
    return ChatReply{.content = content,
                     .finish_reason = "stop",
                     .usage = {.prompt_tokens = 1000 + static_cast<int64_t>(random() % 1000),
                               .completion_tokens = static_cast<int64_t>(content.size() / 3),
                               .known = random() % 8 != 0}};
  }

 private:
  static std::string Answer(uint64_t number) {
    if (number < 50) return "I have no idea.";
    if (number < 100) return ReplyWith("//@ call scale args(x, z)\nextern \"C\" void scale(const float*, float*);\n");
    return ReplyWith(ScaleCandidate(static_cast<int>(number / 10)));
  }

  const KillLog& log_;
  std::atomic<int> replies_ = 0;
};

Behaviour Play(const Candidate& candidate, const Configuration& configuration) {
  if (const auto number = NumberOf(candidate)) {
    if (*number % 5 == 0) return {.outcome = Outcome::kMismatch};
    return {.speedup = 1 + 0.005 * *number};
  }
  return {.speedup = 1 + 0.001 * static_cast<double>(configuration.at("A") * configuration.at("B"))};
}

int Work(const std::filesystem::path& folder, const std::string& name) {
  RealClock clock(kSpeed);
  const KillLog log(folder / (name + ".log"));
  SlowWriter model(log);
  return BeginOrResume(folder, name,
                       {.clock = &clock,
                        .play = Play,
                        .budget_seconds = 100,
                        .screen_seconds = 0.25,
                        .asking = {.models = {kModel}},
                        .model = &model,
                        .prices = {{kModel, kPrice}}},
                       log);
}

struct Tally {
  VerdictTally verdicts;
  int unfinished = 0, replies = 0, replies_lost = 0, replies_twice = 0, gaps = 0, duplicates = 0, duplicates_judged = 0,
      wrong_spend = 0, hit = 0;
  std::map<std::string, int> open;  // requests, by state
  bool Fine() const {
    return open.empty() && unfinished + replies_lost + replies_twice + gaps + duplicates_judged + wrong_spend +
                                   verdicts.lost + verdicts.twice ==
                               0;
  }
};

std::string NameOf(const std::string& reply) { return reply.substr(kMark.size(), reply.find('.') - kMark.size()); }

// Every reply whose asker had stored it is there, once.
void CheckReplies(const std::vector<ExchangeRow>& exchanges, const std::filesystem::path& log, Tally& tally) {
  std::set<std::string> there;
  for (const ExchangeRow& exchange : exchanges) {
    if (exchange.reply.empty()) continue;
    tally.replies_twice += there.insert(NameOf(exchange.reply)).second ? 0 : 1;
    ++tally.replies;
  }
  constexpr std::string_view kStored = "stored ";
  std::istringstream lines(ReadFile(log).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kStored) && !there.contains(line.substr(kStored.size()))) ++tally.replies_lost;
  }
}

void CheckExchanges(const std::vector<ExchangeRow>& exchanges, Tally& tally) {
  const std::set<std::string> ends = {"looked_at", "failed", "cancelled"};
  int expected = 0;
  for (const ExchangeRow& exchange : exchanges) {
    if (exchange.turn != ++expected) ++tally.gaps;
    if (!ends.contains(exchange.state)) ++tally.open[exchange.state];
    if (exchange.detail.value("failure", "") == "the kopt that asked has ended") ++tally.hit;
  }
}

void CheckSpend(const std::vector<ExchangeRow>& exchanges, const nlohmann::ordered_json& document, Tally& tally) {
  int64_t prompt_tokens = 0, completion_tokens = 0;
  double usd = 0;
  for (const ExchangeRow& exchange : exchanges) {
    prompt_tokens += exchange.prompt_tokens.value_or(0);
    completion_tokens += exchange.completion_tokens.value_or(0);
    usd += exchange.usd.value_or(0);
  }
  const auto& spend = document["spend"];
  if (spend["prompt_tokens"] != prompt_tokens || spend["completion_tokens"] != completion_tokens ||
      spend["usd"] != usd) {
    ++tally.wrong_spend;
  }
}

// No two turns of the same code have verdicts.
void CheckDuplicates(Store& store, const std::string& name, const std::vector<VerdictRow>& verdicts, Tally& tally) {
  std::set<int> judged;
  for (const VerdictRow& verdict : verdicts) judged.insert(verdict.turn);
  std::map<std::string, int> turns, judged_turns;  // by code
  const auto rows = store.Turns(name);
  for (const TurnRow& turn : *rows) {
    const std::string code = NormalisedCode(*store.CandidateSource(turn.candidate));
    tally.duplicates += ++turns[code] > 1 ? 1 : 0;
    if (judged.contains(turn.turn) && ++judged_turns[code] > 1) ++tally.duplicates_judged;
  }
}

void Check(const std::filesystem::path& folder, const std::string& name, Tally& tally) {
  auto store = Store::Open(folder / "state");
  const auto row = store->FindRun(name);
  const auto verdicts = store->Verdicts(name);
  const auto exchanges = store->Exchanges(name, true);
  if (!row || !verdicts || !exchanges || row->state != "done" || row->outcome != "improved") {
    ++tally.unfinished;
    return;
  }
  Compare(*verdicts, folder / (name + ".log"), tally.verdicts);
  CheckReplies(*exchanges, folder / (name + ".log"), tally);
  CheckExchanges(*exchanges, tally);
  CheckSpend(*exchanges, row->result, tally);
  CheckDuplicates(*store, name, *verdicts, tally);
}

int Run(int kills) {
  const auto folder = TemporaryFolder::Create("kopt-kill-resume-model");
  if (!folder) return 2;
  const KilledRuns runs =
      KillAndResume(kills, kLongestLife, [&](const std::string& name) { return Work(folder->path(), name); });
  Tally tally;
  tally.unfinished = runs.failures;
  for (const std::string& name : runs.names) Check(folder->path(), name, tally);
  fmt::print("{} kills over {} runs, {} replies\n", runs.kills, runs.names.size(), tally.replies);
  fmt::print("requests under way when killed      {}\n", tally.hit);
  fmt::print("runs that did not end well          {}\n", tally.unfinished);
  fmt::print("replies lost after they were stored {}\n", tally.replies_lost);
  fmt::print("replies stored twice                {}\n", tally.replies_twice);
  fmt::print("verdicts lost                       {}\n", tally.verdicts.lost);
  fmt::print("verdicts made twice                 {}\n", tally.verdicts.twice);
  fmt::print("under way when killed, made anew    {} at most\n", tally.verdicts.remade);
  fmt::print("duplicates, of them judged          {}, {}\n", tally.duplicates, tally.duplicates_judged);
  fmt::print("requests that did not end           {}\n", tally.open);
  fmt::print("gaps in the numbers of turns        {}\n", tally.gaps);
  fmt::print("spends that are not their requests  {}\n", tally.wrong_spend);
  return tally.Fine() ? 0 : 1;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) { return kopt::Run(argc > 1 ? std::atoi(argv[1]) : 100); }
