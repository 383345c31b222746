// How long prompts become: 200 turns with a scripted model, once with the window and once with the whole history.
// `prompt_sizes [TURNS [PICTURE]]` prints the tokens of the prompts by turn, as kopt estimates them, and draws both
// curves into an SVG file (that of docs/ was made so). Exit 1 if the window's prompts go on growing (the longest from
// turn 50 on more than 1.2 times the longest of turns 10 to 50), if the history does not reach its limit or goes beyond
// it, or if code that was there before is judged again.
//
// Candidates have about 6 kB, a little more from turn to turn. Each fifth is wrong, each tenth does not compile and
// leaves a long log, each 17th reply holds no code, each ninth repeats an earlier candidate in another layout. The
// device is simulated, its clock is virtual; one request at a time, so that every prompt may know all turns before it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "agent/report/scale.h"
#include "base/files.h"
#include "bench/scripted.h"

namespace kopt {
namespace {

constexpr int64_t kMostTokens = 32'000;
constexpr double kMostGrowth = 1.2;

bool HoldsNoCode(int turn) { return turn % 17 == 0; }
bool Repeats(int turn) { return turn % 9 == 0 && !HoldsNoCode(turn); }
size_t Bytes(int turn) { return 5500 + 5 * static_cast<size_t>(turn); }

std::string ReplyOf(int turn) {
  if (HoldsNoCode(turn)) return "The tiles should be larger, and the loads should be vectorised.";
  if (!Repeats(turn)) return ReplyWith(ScaleCandidate(turn, Bytes(turn)));
  const int before = turn - (HoldsNoCode(turn - 2) ? 3 : 2);
  return ReplyWith(ScaleCandidate(before, Bytes(before)) + "// once more\n\n");
}

// The replies to the first `turns` questions; then the recording is over.
class Script final : public ChatModel {
 public:
  explicit Script(int turns) : turns_(turns) {}
  std::expected<ChatReply, ChatFailure> Ask(const ChatRequest&, const AskOptions&) override {
    if (++asked_ > turns_) return std::unexpected(ChatFailure{.kind = ChatFault::kRecording});
    return ChatReply{.content = ReplyOf(asked_), .finish_reason = "stop"};
  }

 private:
  int turns_;
  int asked_ = 0;  // one at a time
};

Behaviour Play(const Candidate& candidate, const Configuration&) {
  const int number = NumberOf(candidate).value_or(0);
  if (number % 10 == 3) return {.outcome = Outcome::kCompileError};
  if (number % 5 == 1) return {.outcome = Outcome::kMismatch};
  return {.speedup = 1 + 0.01 * number + 0.1 * (number % 7)};
}

// With as much evidence as a real device gives.
class TalkativeVerifier final : public ScriptedVerifier {
 public:
  using ScriptedVerifier::ScriptedVerifier;
  Result<Verdict> Screen(const Candidate& candidate, const Configuration& configuration,
                         const Screening& screening) override {
    auto verdict = ScriptedVerifier::Screen(candidate, configuration, screening);
    if (verdict && verdict->outcome == Outcome::kCompileError) verdict->evidence["log"] = Log(candidate.file);
    if (verdict && verdict->outcome == Outcome::kMismatch) verdict->evidence["worst"] = Worst();
    if (verdict && verdict->correct()) verdict->evidence["shapes"] = Shapes();
    return verdict;
  }

 private:
  static std::string Log(const std::string& file) {
    std::string log;
    for (int line = 1; line <= 40; ++line) {
      log += fmt::format("{}:{}:17: error: 'part_{}' was not declared in this scope; did you mean 'part_{}'?\n", file,
                         line, line, line + 1);
    }
    return log;
  }
  static nlohmann::ordered_json Worst() {
    auto worst = nlohmann::ordered_json::array();
    for (int i = 0; i < 8; ++i) worst.push_back({{"index", 97 * i}, {"expected", 0.25 * i}, {"found", 0.5 * i}});
    return worst;
  }
  static nlohmann::ordered_json Shapes() {
    auto shapes = nlohmann::ordered_json::array();
    for (int i = 0; i < 3; ++i) {
      shapes.push_back({{"shape", fmt::format("N={}", 64 << i)}, {"time_us", 12.5 * (i + 1)}, {"speedup", 1.5}});
    }
    return shapes;
  }
};

struct Curve {
  std::map<int, int64_t> tokens;  // by turn
  size_t most_shown = 0;
  int duplicates = 0, judged = 0;
  bool complete = false;

  int64_t Longest(int first, int last) const {
    int64_t most = 0;
    for (const auto& [turn, count] : tokens) most = turn >= first && turn <= last ? std::max(most, count) : most;
    return most;
  }
};

Curve Measure(const std::filesystem::path& folder, Strategy strategy, int turns) {
  const std::string name(Name(strategy));
  const auto spec = ParseSpec(kScaleSpec, "scale.spec");
  auto store = Store::Open(folder / ("state-" + name));
  if (!store) return {};
  Script script(turns);
  Job job = ScaleJob(*spec, name, folder, kPlainSeed);
  job.budget_seconds = 10.0 * turns;
  job.asking = {
      .models = {"script"}, .in_flight = 1, .most_waiting = 1, .strategy = strategy, .prompt_tokens = kMostTokens};
  job.model = &script;
  FakeClock clock;
  Interrupts interrupts;
  TalkativeVerifier verifier(clock, interrupts);
  verifier.play = Play;
  const auto progress = NoProgress();
  const auto result = Optimize(job, verifier, *store, *progress, clock, interrupts);
  if (!result || result->failure) return {};
  Curve curve{.judged = static_cast<int>(result->screened.size()) - 1};  // without the seed
  for (const ExchangeRow& exchange : result->exchanges) {
    if (exchange.state != "looked_at") continue;
    curve.tokens[exchange.turn] = exchange.prompt_tokens.value_or(0);
    curve.most_shown = std::max(curve.most_shown, exchange.shown.size());
  }
  for (const auto& [number, turn] : result->turns) curve.duplicates += turn.duplicate_of ? 1 : 0;
  curve.complete = static_cast<int>(curve.tokens.size()) == turns;
  return curve;
}

bool RepetitionsAreNotJudged(const Curve& curve, int turns) {
  int repeated = 0, without_code = 0;
  for (int turn = 1; turn <= turns; ++turn) {
    repeated += Repeats(turn) ? 1 : 0;
    without_code += HoldsNoCode(turn) ? 1 : 0;
  }
  return curve.complete && curve.duplicates == repeated && curve.judged == turns - repeated - without_code;
}

// Both curves over turns and tokens, from 0. Plain SVG, colours that are seen on white and on black.
Result<void> Draw(const std::filesystem::path& file, const Curve& window, const Curve& history, int turns) {
  constexpr double kLeft = 64, kRight = 700, kTop = 20, kBottom = 300;
  const Scale x{.high = static_cast<double>(turns), .from = kLeft, .to = kRight};
  const Scale y{.high = 1.05 * kMostTokens, .from = kBottom, .to = kTop};
  const auto text = [](double at_x, double at_y, std::string_view anchor, std::string_view words) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", at_x, at_y, anchor, words);
  };
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 340\" width=\"760\" font-family=\"sans-serif\" "
      "font-size=\"13\" fill=\"#777\">\n<title>Tokens of a prompt by turn</title>\n";
  for (const Tick& tick : LinearTicks(0, y.high, 7)) {
    svg += fmt::format("<path d=\"M{0} {1:.1f}H{2}\" stroke=\"#777\" stroke-opacity=\"0.3\"/>\n", kLeft,
                       y.At(tick.value), kRight);
    svg += text(kLeft - 8, y.At(tick.value) + 4, "end", fmt::format("{:.0f}", tick.value));
  }
  for (const Tick& tick : LinearTicks(0, x.high, 9)) {
    svg += text(x.At(tick.value), kBottom + 18, "middle", fmt::format("{:.0f}", tick.value));
  }
  svg += text(kRight, kBottom + 34, "end", "turn");
  const auto draw = [&](const Curve& curve, std::string_view colour, std::string_view name) {
    std::string path;
    for (const auto& [turn, tokens] : curve.tokens) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x.At(turn), y.At(static_cast<double>(tokens)));
    }
    svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>\n", path, colour);
    const double end = static_cast<double>(curve.tokens.empty() ? 0 : curve.tokens.rbegin()->second);
    svg += text(kRight + 6, y.At(end) + 4, "start", name);
  };
  draw(window, "#2a7fd4", "window");
  draw(history, "#d4762a", "history");
  return WriteFile(file, svg + "</svg>\n");
}

bool Said(bool fine, const std::string& what) {
  fmt::print("{}  {}\n", fine ? "ok    " : "MISSED", what);
  return fine;
}

int Run(int turns, const std::filesystem::path& picture) {
  const auto folder = TemporaryFolder::Create("kopt-prompt-sizes");
  if (!folder) return 2;
  const Curve window = Measure(folder->path(), Strategy::kWindow, turns);
  const Curve history = Measure(folder->path(), Strategy::kHistory, turns);
  fmt::print("turn     window    history   (tokens of the prompt)\n");
  for (const int turn : {1, 2, 5, 10, 20, 50, 100, 200}) {
    if (turn <= turns) fmt::print("{:4} {:10} {:10}\n", turn, window.Longest(turn, turn), history.Longest(turn, turn));
  }
  const int64_t early = window.Longest(10, 50), late = window.Longest(50, turns);
  const int64_t longest = history.Longest(1, turns);
  bool fine = Said(RepetitionsAreNotJudged(window, turns) && RepetitionsAreNotJudged(history, turns),
                   fmt::format("{} turns each; {} repeated earlier code, and none of these was judged",
                               window.tokens.size(), window.duplicates));
  fine &= Said(static_cast<double>(late) <= kMostGrowth * static_cast<double>(early),
               fmt::format("window: at most {} tokens in turns 10 to 50, {} from 50 on; {} turns shown at most", early,
                           late, window.most_shown));
  fine &= Said(longest <= kMostTokens && longest > kMostTokens * 8 / 10,
               fmt::format("history: at most {} tokens, the limit is {}; {} turns shown at most", longest, kMostTokens,
                           history.most_shown));
  if (picture.empty()) return fine ? 0 : 1;
  const auto drawn = Draw(picture, window, history, turns);
  if (!drawn) fmt::print(stderr, "{}\n", drawn.error().Text());
  return fine && drawn ? 0 : 1;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) { return kopt::Run(argc > 1 ? std::atoi(argv[1]) : 200, argc > 2 ? argv[2] : ""); }
