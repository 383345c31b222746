#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "agent/format.h"
#include "agent/report/plot.h"
#include "agent/report/sections.h"
#include "agent/report/svg.h"
#include "agent/turn_files.h"

namespace kopt {
namespace {

constexpr size_t kAllShown = 40;  // so many turns are all shown; of more, these:
constexpr size_t kBestShown = 20;
constexpr size_t kNewestShown = 10;
constexpr size_t kStepsShown = 20;
constexpr size_t kLineageShown = 20;
constexpr size_t kLongestOutcome = 100, kLongestModel = 40, kLongestNumbers = 40;  // characters

using Records = std::vector<TurnRecord>;

Records RecordsOf(const Job& job, const OptimizeResult& result) {
  return TurnRecordsOf(result.exchanges, TurnVerdictsOf(result), job.asking.reward);
}

// The best by reward and the newest, in order of their numbers.
Records Chosen(const Records& records) {
  if (records.size() <= kAllShown) return records;
  Records chosen(records.begin(), records.end() - kNewestShown);
  std::ranges::stable_sort(chosen, std::greater(), [](const TurnRecord& record) { return record.reward.value_or(-1); });
  chosen.resize(kBestShown);
  chosen.insert(chosen.end(), records.end() - kNewestShown, records.end());
  std::ranges::sort(chosen, {}, &TurnRecord::number);
  return chosen;
}

std::string CountOrNone(const std::optional<int64_t>& tokens) {
  return tokens ? FormatCount(static_cast<double>(*tokens)) : "-";
}

std::string BestText(const Job& job, const TurnRecord& record) {
  if (record.best != nullptr) return FormatSpeedup(*record.best->speedup);
  return record.number == 0 && job.contestants.SeedIsBaseline() ? "the baseline" : "-";
}

std::vector<Prose> RowOf(const Job& job, const TurnRecord& record) {
  const ExchangeRow nobody{.model = "the seed"};
  const ExchangeRow& exchange = record.exchange == nullptr ? nobody : *record.exchange;
  return {fmt::to_string(record.number),
          Shortened(exchange.model, kLongestModel),
          Shortened(NumbersText(exchange.shown), kLongestNumbers),
          Shortened(OutcomeText(record), kLongestOutcome),
          BestText(job, record),
          fmt::to_string(record.tried),
          record.reward ? fmt::format("{:.2f}", *record.reward) : "-",
          CountOrNone(exchange.prompt_tokens),
          CountOrNone(exchange.completion_tokens),
          exchange.usd ? fmt::format("${:.4f}", *exchange.usd) : "-",
          record.exchange == nullptr ? "-" : FormatDuration(exchange.asked_at),
          exchange.answered_at ? FormatDuration(*exchange.answered_at) : "-"};
}

Table TurnsTable(const Job& job, const Records& records) {
  Table table{.columns = {{"turn", true},
                          {"model"},
                          {"prompt showed"},
                          {"outcome"},
                          {"best", true},
                          {"tried", true},
                          {"reward", true},
                          {"prompt tokens", true},
                          {"reply tokens", true},
                          {"money", true},
                          {"asked after", true},
                          {"answered after", true}},
              .names = true};
  for (const TurnRecord& record : records) table.rows.push_back(RowOf(job, record));
  // What is not known of any turn is left out: the tokens of a model outside of kopt, for example.
  for (size_t column = table.columns.size(); column-- > 0;) {
    const auto is_known = [&](const std::vector<Prose>& row) { return row[column].parts.at(0).text != "-"; };
    if (std::ranges::any_of(table.rows, is_known)) continue;
    table.columns.erase(table.columns.begin() + static_cast<ptrdiff_t>(column));
    for (std::vector<Prose>& row : table.rows) row.erase(row.begin() + static_cast<ptrdiff_t>(column));
  }
  return table;
}

// A turn at the tokens that all requests up to its reply had taken.
struct Arrival {
  const TurnRecord* record = nullptr;
  int64_t tokens = 0;
};

// In the order in which replies arrived; a request that failed counts from when it was made.
std::vector<Arrival> ArrivalsOf(const Records& records) {
  const auto when = [](const Arrival& arrival) {
    const ExchangeRow* exchange = arrival.record->exchange;
    return exchange == nullptr ? -1 : exchange->answered_at.value_or(exchange->asked_at);
  };
  std::vector<Arrival> arrivals;
  for (const TurnRecord& record : records) arrivals.push_back({.record = &record});
  std::ranges::stable_sort(arrivals, {}, when);
  int64_t tokens = 0;
  for (Arrival& arrival : arrivals) {
    if (const ExchangeRow* exchange = arrival.record->exchange) {
      tokens += exchange->prompt_tokens.value_or(0) + exchange->completion_tokens.value_or(0);
    }
    arrival.tokens = tokens;
  }
  return arrivals;
}

// The row of a turn without a verdict.
std::string WhyNone(const TurnRecord& record) {
  if (record.exchange == nullptr || record.Waits()) return "not judged";
  const std::string& state = record.exchange->state;
  return state == "asked" ? "no reply" : state == "looked_at" ? "no new code" : state;
}

PlotPoint PointOf(const Job& job, const Arrival& arrival) {
  const TurnRecord& record = *arrival.record;
  PlotPoint point{.at = static_cast<double>(arrival.tokens), .name = fmt::format("turn {}", record.number)};
  const Verdict* verdict = record.best == nullptr ? record.first : record.best;
  if (verdict == nullptr) {
    point.remark = WhyNone(record);
    return point;
  }
  point.outcome = verdict->outcome;
  point.remark = verdict->remark;
  point.speedup = verdict->speedup;
  point.spread = verdict->speedup_interval;
  if (record.best == nullptr && record.number == 0 && job.contestants.SeedIsBaseline()) point.speedup = 1;
  return point;
}

// The turns that were faster than all before them; the last ones, where there are many.
Table StepsTable(const std::vector<Arrival>& arrivals) {
  Table table{.columns = {{"turn", true}, {"tokens so far", true}, {"answered after", true}, {"best", true}}};
  double best = 0;
  for (const auto& [record, tokens] : arrivals) {
    if (record->best == nullptr || *record->best->speedup <= best) continue;
    best = *record->best->speedup;
    const bool known = record->exchange != nullptr && record->exchange->answered_at;
    table.rows.push_back({fmt::to_string(record->number), FormatCount(static_cast<double>(tokens)),
                          known ? FormatDuration(*record->exchange->answered_at) : "-", FormatSpeedup(best)});
  }
  if (table.rows.size() > kStepsShown) table.rows.erase(table.rows.begin(), table.rows.end() - kStepsShown);
  return table;
}

Blocks PictureOf(const Job& job, const Records& records) {
  const std::vector<Arrival> arrivals = ArrivalsOf(records);
  std::vector<PlotPoint> points;
  for (const Arrival& arrival : arrivals) points.push_back(PointOf(job, arrival));
  Plot plot = SpeedupPlot(points, PlotAxis::kTokens);
  Table steps = StepsTable(arrivals);
  if (plot.drawn == 0 || arrivals.back().tokens == 0) return {};
  Figure figure{.svg = std::move(plot.svg),
                .caption =
                    "The best configuration of each turn, over the tokens of all prompts and replies until its "
                    "reply arrived; over active time it is under Search.",
                .words = "The best turn so far, in the order in which the replies arrived:"};
  if (!steps.rows.empty()) figure.table = std::move(steps);
  return {std::move(figure)};
}

std::string Speed(const TurnRecord& record) {
  return record.best == nullptr ? "" : ", " + FormatSpeedup(*record.best->speedup);
}

}  // namespace

Blocks TurnsSection(const Job& job, const OptimizeResult& result) {
  const Records records = RecordsOf(job, result);
  if (!job.asking.Asks() || records.empty()) return {};
  const Records chosen = Chosen(records);
  Blocks blocks{Heading{"Turns"}};
  std::string text =
      "Turn 0 is the seed, each further one the reply to a prompt. The outcome is that of its default configuration, "
      "the speedup and the reward are those of its best.";
  if (chosen.size() < records.size()) {
    text += fmt::format(" {} of {} turns are not shown: these are the {} of the highest reward and the newest {}.",
                        records.size() - chosen.size(), records.size(), kBestShown, kNewestShown);
  }
  blocks.push_back(Paragraph{text + " All of them are in " + Code(kTurnsFile) + "."});
  blocks.push_back(TurnsTable(job, chosen));
  for (Block& block : PictureOf(job, records)) blocks.push_back(std::move(block));
  return blocks;
}

Blocks LineageSection(const Job& job, const OptimizeResult& result) {
  if (!job.asking.Asks() || !result.best || result.best->turn == 0) return {};
  std::map<int, TurnRecord> records;
  for (TurnRecord& record : RecordsOf(job, result)) records.emplace(record.number, std::move(record));
  List list;
  for (auto at = records.find(result.best->turn); at != records.end();) {
    const auto& [number, record] = *at;
    if (record.exchange == nullptr || list.items.size() == kLineageShown) {
      list.items.push_back(fmt::format("turn {}{}{}", number, number == 0 ? ", the seed" : "", Speed(record)));
      break;
    }
    const std::vector<int>& shown = record.exchange->shown;
    list.items.push_back(fmt::format(
        "turn {}{}: its prompt showed {}", number, Speed(record),
        shown.empty() ? "no turn"
                      : (shown.size() == 1 ? "turn " : "turns ") + Shortened(NumbersText(shown), kLongestNumbers)));
    auto next = records.end();
    for (const int turn : shown) {
      const auto other = records.find(turn);
      if (other == records.end() || turn >= number) continue;
      if (next == records.end() || other->second.reward.value_or(-1) > next->second.reward.value_or(-1)) next = other;
    }
    at = next;
  }
  return {
      Heading{"Where the best kernel comes from"},
      Paragraph{"From the turn of the best kernel back: of the turns that a prompt showed, the line goes on with the "
                "one of the highest reward."},
      std::move(list)};
}

}  // namespace kopt
