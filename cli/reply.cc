#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <iterator>

#include "agent/asking.h"
#include "agent/recorder.h"
#include "base/files.h"
#include "cli/commands.h"
#include "cli/devices.h"
#include "cli/duration.h"
#include "cli/work.h"

namespace kopt {
namespace {

constexpr size_t kLongestReply = size_t{64} << 20;  // bytes

struct ReplyFlags {
  std::string run, file, turn, tune;
  bool later = false;
};

std::unexpected<Error> TurnError(std::string message, std::string hint) {
  return std::unexpected(
      Error{.exit = Exit::kUsage, .message = std::move(message), .key = "--turn", .hint = std::move(hint)});
}

std::string Numbers(const std::vector<int>& turns) {
  std::string text;
  for (const int turn : turns) text += fmt::format("{}{}", text.empty() ? "" : ", ", turn);
  return text;
}

// The prompt that is answered: the one that --turn names, or the only one that is out; 0: none is.
Result<int> AnsweredTurn(const ReplyFlags& flags, const std::vector<ExchangeRow>& exchanges) {
  std::vector<int> open;
  for (const ExchangeRow& exchange : exchanges) {
    if (exchange.state == "asked") open.push_back(exchange.turn);
  }
  if (flags.turn.empty()) {
    if (open.empty()) return 0;
    if (open.size() == 1) return open.front();
    return TurnError(fmt::format("the prompts of several turns are out: {}", Numbers(open)),
                     "say which one is answered: --turn N");
  }
  int turn = 0;
  const char* end = flags.turn.data() + flags.turn.size();
  const auto [stop, error] = std::from_chars(flags.turn.data(), end, turn);
  if (error == std::errc() && stop == end && std::ranges::count(open, turn) > 0) return turn;
  return TurnError(fmt::format("no prompt of a turn `{}` is out", flags.turn),
                   open.empty() ? "`kopt next RUN` prints one" : fmt::format("out are: {}", Numbers(open)));
}

Result<std::string> ReplyText(const std::string& file) {
  if (file != "-") return ReadFile(file, kLongestReply);
  std::string text{std::istreambuf_iterator<char>(std::cin), {}};
  if (text.size() <= kLongestReply) return text;
  return UsageError("the reply on stdin is longer than 64 MiB");
}

// A reply to no prompt is somebody's own idea: it gets a turn, too.
Result<int> Unasked(const RunRow& run, Store& store) {
  while (true) {
    KOPT_TRY(const int turn, store.NextTurn(run.run));
    KOPT_TRY(const bool added,
             store.AddExchange(run.run, {.turn = turn, .model = kExternalModel, .asked_at = run.active_seconds}));
    if (added) return turn;
  }
}

Result<int> RunReply(const ReplyFlags& flags, Context& context) {
  KOPT_TRY(const double tune, ParseDuration(flags.tune, "--tune"));
  KOPT_TRY(std::string reply, ReplyText(flags.file));
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(RunRow run, store.FindRun(flags.run));
  KOPT_CHECK(CheckOpen(run));
  KOPT_TRY(const std::vector<ExchangeRow> exchanges, store.Exchanges(run.run));
  KOPT_TRY(int turn, AnsweredTurn(flags, exchanges));
  if (turn == 0) {
    KOPT_TRY(turn, Unasked(run, store));
  }
  KOPT_TRY(const bool stored,
           store.AnswerExchange(run.run, {.turn = turn, .answered_at = run.active_seconds, .reply = std::move(reply)}));
  if (!stored)
    return TurnError(fmt::format("turn {} was answered just now by somebody else", turn), "see `kopt show RUN`");
  const std::string state = StateOf(run);
  const bool busy = !flags.later && state == "running";
  if (!flags.later && !busy) {
    context.Note(fmt::format("stored as the reply of turn {}", turn));
    return WorkOn(std::move(run), tune, store, context);
  }
  context.Print(fmt::format("stored as the reply of turn {}; {}`kopt work` judges it{}\n", turn,
                            busy ? "another kopt works on the run: " : "",
                            busy ? " afterwards" : " where the device is"));
  context.Document({{"kopt", 1}, {"run", run.run}, {"turn", turn}, {"state", state}});
  return 0;
}

}  // namespace

void AddReply(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("reply", "hand in a reply to a prompt of `kopt next`, and judge it");
  auto flags = std::make_shared<ReplyFlags>(ReplyFlags{.tune = kTuneTime});
  command->add_option("RUN", flags->run, "a run's name, the beginning of one, or `last`")->required();
  command->add_option("FILE", flags->file, "the reply as it is, or the candidate alone; `-`: stdin")->required();
  command->add_option("--turn", flags->turn, "which prompt is answered (default: the only one that is out)")
      ->type_name("N");
  command->add_flag("--later", flags->later, "store it only: `kopt work` judges it, here or where the device is");
  command->add_option("--tune", flags->tune, "then try configurations for so much active time (default: 20s)")
      ->type_name("T");
  AddDevicesFlag(*command, context.flags(), "the run's own");
  AddCommonFlags(*command, context.flags());
  command->callback([&action, flags] { action = [flags](Context& c) { return RunReply(*flags, c); }; });
}

}  // namespace kopt
