#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/format.h"
#include "agent/report/sections.h"
#include "agent/report/svg.h"
#include "agent/turn_files.h"

namespace kopt {
namespace {

constexpr size_t kRemarksShown = 10;
constexpr size_t kLongestRemark = 300;  // characters
constexpr size_t kTurnsNamed = 20;

Prose AskedText(const Asking& asking) {
  if (asking.external) return "somebody outside of kopt";
  Prose text;
  for (size_t i = 0; i < asking.models.size(); ++i) {
    if (i > 0) text += ", ";
    text += Code(Shortened(asking.models[i], kLongestRemark));
  }
  if (!asking.base_url.empty()) text += " at " + Code(asking.base_url);
  return text;
}

std::string ShownText(const Asking& asking) {
  const std::string best = asking.top == 1 ? "the best turn" : fmt::format("the best {} turns", asking.top);
  const std::string what = asking.strategy == Strategy::kWindow    ? best + " and the newest failure"
                           : asking.strategy == Strategy::kHistory ? "all turns that fit"
                                                                   : "no turns";
  return fmt::format("{} ({}); the reward of a turn is {}, a prompt has at most {} tokens", what, Name(asking.strategy),
                     Name(asking.reward), FormatCount(static_cast<double>(asking.prompt_tokens)));
}

std::string TokensText(const Asking& asking, const Spend& spend) {
  const auto count = [](int64_t tokens) { return FormatCount(static_cast<double>(tokens)); };
  if (asking.external && spend.tokens() == 0) return "not known to kopt";
  const std::string budget =
      asking.budget_tokens ? fmt::format(" of a budget of {}", count(*asking.budget_tokens)) : "";
  return fmt::format("{}{}: {} of prompts, {} of replies, {}", count(spend.tokens()), budget,
                     count(spend.prompt_tokens), count(spend.completion_tokens),
                     spend.estimated ? "some of them estimated" : "as the endpoint counted");
}

std::string MoneyText(const Asking& asking, const Spend& spend) {
  const std::string budget = asking.budget_usd ? fmt::format(" of a budget of ${:.2f}", *asking.budget_usd) : "";
  return spend.priced ? fmt::format("${:.4f}{}", spend.usd, budget) : "not known: no price is configured";
}

// "1 failed, 2 were cancelled: 3.1 k tokens, $0.0100, counted above"; empty if all went well.
std::string LostText(const std::vector<ExchangeRow>& exchanges) {
  Spend lost;
  int failed = 0;
  for (const ExchangeRow& exchange : exchanges) {
    if (exchange.state != "failed" && exchange.state != "cancelled") continue;
    failed += exchange.state == "failed" ? 1 : 0;
    lost.Add(exchange);
  }
  if (lost.asked == 0) return "";
  std::string text = fmt::format("{} failed, {} cancelled: {}{} tokens", failed, lost.asked - failed,
                                 lost.estimated ? "about " : "", FormatCount(static_cast<double>(lost.tokens())));
  if (lost.priced) text += fmt::format(", ${:.4f}", lost.usd);
  return text + ", counted above";
}

std::string UnjudgedText(const Job& job, const OptimizeResult& result) {
  std::vector<int> turns;
  size_t count = 0;
  for (const TurnRecord& record : TurnRecordsOf(result.exchanges, TurnVerdictsOf(result), job.asking.reward)) {
    if (!record.Waits()) continue;
    if (++count <= kTurnsNamed) turns.push_back(record.number);
  }
  if (count == 0) return "";
  return fmt::format("{} came too late to be judged: turn{} {}{}", count, count == 1 ? "" : "s", NumbersText(turns),
                     count > kTurnsNamed ? " and more" : "");
}

}  // namespace

std::vector<std::vector<Prose>> AskingFacts(const Job& job, const OptimizeResult& result) {
  const Spend& spend = result.spend;
  const auto open = std::ranges::count(result.exchanges, "asked", &ExchangeRow::state);
  std::vector<std::vector<Prose>> rows = {{"asked", AskedText(job.asking)}, {"a prompt shows", ShownText(job.asking)}};
  std::string replies = fmt::format("{} to {} {}", spend.replies, spend.asked, spend.asked == 1 ? "prompt" : "prompts");
  if (open > 0) replies += fmt::format(", {} still out", open);
  rows.push_back({"replies", replies});
  if (const std::string late = UnjudgedText(job, result); !late.empty()) rows.push_back({"replies not judged", late});
  rows.push_back({"tokens", TokensText(job.asking, spend)});
  if (!job.asking.external || spend.priced) rows.push_back({"money", MoneyText(job.asking, spend)});
  if (const std::string lost = LostText(result.exchanges); !lost.empty()) rows.push_back({"requests lost", lost});
  for (size_t i = 0; i < std::min(result.remarks.size(), kRemarksShown); ++i) {
    rows.push_back({"endpoint", Shortened(result.remarks[i], kLongestRemark)});
  }
  if (result.remarks.size() > kRemarksShown) {
    rows.push_back({"endpoint", fmt::format("{} more remarks are not shown", result.remarks.size() - kRemarksShown)});
  }
  return rows;
}

Prose NameOf(const Job& job, const Judged& judged) {
  Prose configuration = Code(Text(judged.configuration));
  if (!job.asking.Asks()) return configuration;
  const std::string turn = fmt::format("turn {}", judged.turn);
  return judged.configuration.empty() ? Prose(turn) : turn + ", " + std::move(configuration);
}

}  // namespace kopt
