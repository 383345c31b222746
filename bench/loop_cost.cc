// The loop's own cost: `loop_cost [SECONDS]` (default 30, the budget). A server on this machine takes 1 s for each
// reply and streams it in pieces; four are in flight; a simulated device takes 0.2 s for a screening. The rest is kopt
// as it is: prompts, HTTP, the store on disk, the search over tunables. Exit 1 if fewer than 95 % of the replies came
// that the server could have given.
//
// Counted is the time in which asking was allowed: the budget without the tail that is kept for confirmation, without
// one screening and without one reply, which must still arrive. A slot that always asks at once gets one reply a second
// then. A reply that was asked for near the end counts by the part of its second that lies within.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/scripted.h"
#include "llm_client/chat_client.h"
#include "tests/llm_client/test_server.h"

namespace kopt {
namespace {

constexpr int kInFlight = 4;
constexpr double kReplySeconds = 1.0;
constexpr double kScreenSeconds = 0.2;
constexpr int kPieces = 20;
constexpr double kLimit = 0.95;
constexpr size_t kBytes = 1500;

// Notes when each slot, which is a thread of the loop, asked and was answered.
class TimedModel final : public ChatModel {
 public:
  explicit TimedModel(ChatModel& model) : model_(model) {}

  struct Question {
    double begin = 0, end = 0;
  };
  std::map<std::thread::id, std::vector<Question>> slots;  // without those that were not answered

  std::expected<ChatReply, ChatFailure> Ask(const ChatRequest& request, const AskOptions& options) override {
    const double begin = SystemClock().Now();
    auto reply = model_.Ask(request, options);
    const std::lock_guard lock(mutex_);
    if (reply) slots[std::this_thread::get_id()].push_back({begin, SystemClock().Now()});
    return reply;
  }

 private:
  ChatModel& model_;
  std::mutex mutex_;
};

// Another candidate each time, in pieces over a second.
ScriptedAnswer Answer(int number) {
  const std::string reply = ReplyWith(ScaleCandidate(number, kBytes));
  std::vector<std::string> contents;
  for (size_t i = 0; i < kPieces; ++i) {
    contents.push_back(
        reply.substr(reply.size() * i / kPieces, reply.size() * (i + 1) / kPieces - reply.size() * i / kPieces));
  }
  ScriptedAnswer answer = StreamReply(contents);
  answer.pauses.assign(answer.pieces.size(), 0);
  std::fill_n(answer.pauses.begin(), kPieces, kReplySeconds / kPieces);
  return answer;
}

Behaviour Play(const Candidate& candidate, const Configuration&) {
  const int number = NumberOf(candidate).value_or(1);
  if (number % 4 == 0) return {.outcome = Outcome::kMismatch};
  return {.speedup = 1 + 0.001 * number};
}

struct Gaps {
  double sum = 0, longest = 0;
  int count = 0, long_ones = 0;
  void Add(double seconds) {
    sum += seconds;
    longest = std::max(longest, seconds);
    ++count;
    long_ones += seconds > 0.05 ? 1 : 0;
  }
  std::string Text() const {
    return fmt::format("{:.1f} ms mean, {:.1f} ms longest, {} of {} above 50 ms", 1e3 * sum / std::max(count, 1),
                       1e3 * longest, long_ones, count);
  }
};

void PrintLosses(const TimedModel& model) {
  Gaps between, over_http;
  for (const auto& [thread, questions] : model.slots) {
    for (size_t i = 0; i < questions.size(); ++i) {
      over_http.Add(questions[i].end - questions[i].begin - kReplySeconds);
      if (i > 0) between.Add(questions[i].begin - questions[i - 1].end);
    }
  }
  fmt::print("a reply beyond its {:.1f} s: HTTP    {}\n", kReplySeconds, over_http.Text());
  fmt::print("from a reply to the next request {}\n", between.Text());
}

// Replies within `seconds` of asking, those that were asked for at the end in part.
double RepliesWithin(double seconds, const std::vector<ExchangeRow>& exchanges) {
  double replies = 0;
  for (const ExchangeRow& exchange : exchanges) {
    if (!exchange.answered_at) continue;
    replies += std::clamp((seconds - exchange.asked_at) / kReplySeconds, 0.0, 1.0);
  }
  return replies;
}

int Report(const OptimizeResult& result, const TimedModel& model, double budget) {
  int judged = 0;
  for (const Judged& screened : result.screened) judged += NumberOf(CandidateOf(result, screened)) ? 1 : 0;
  const double reply_seconds = result.spend.reply_seconds / std::max(result.spend.replies, 1);
  const double asking = budget - result.tail_seconds - kScreenSeconds - reply_seconds;
  const double possible = kInFlight * asking / kReplySeconds;
  const double taken = RepliesWithin(asking, result.exchanges);
  fmt::print("budget {:.0f} s, tail {:.1f} s, asking was allowed for {:.2f} s\n", budget, result.tail_seconds, asking);
  fmt::print("the server could have given      {:.1f} replies\n", possible);
  fmt::print("it gave in this time             {:.1f} ({} in all)\n", taken, result.spend.replies);
  fmt::print("candidates judged                {}; configurations {}\n", judged, result.screened.size());
  PrintLosses(model);
  fmt::print("ratio                            {:.1f} % (limit {:.0f} %)\n", 100 * taken / possible, 100 * kLimit);
  return taken >= kLimit * possible ? 0 : 1;
}

int Run(double budget) {
  const auto folder = TemporaryFolder::Create("kopt-loop-cost");
  const auto spec = ParseSpec(kScaleSpec, "scale.spec");
  auto store = Store::Open(folder->path() / "state");
  if (!store) return 2;
  TestServer server;
  std::atomic<int> number = 0;
  server.SayBy([&](const SentRequest&) { return Answer(++number); });
  const auto client = ChatClient::Create({.base_url = server.url()});
  TimedModel model(**client);

  Job job = ScaleJob(*spec, "cost", folder->path(), kScaleSeed);
  job.budget_seconds = budget;
  job.asking = {.models = {"served"}, .in_flight = kInFlight};
  job.model = &model;
  RealClock clock;
  Interrupts interrupts;
  ScriptedVerifier verifier(clock, interrupts);
  verifier.play = Play;
  verifier.register_seconds = 0;
  verifier.screen_seconds = kScreenSeconds;
  const auto progress = NoProgress();
  const auto result = Optimize(job, verifier, *store, *progress, clock, interrupts);
  if (!result || result->failure) {
    fmt::print("{}\n", result ? result->failure->Text() : result.error().Text());
    return 2;
  }
  return Report(*result, model, budget);
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) { return kopt::Run(argc > 1 ? std::atof(argv[1]) : 30); }
