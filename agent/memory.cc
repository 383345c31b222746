#include "agent/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/evidence.h"
#include "agent/format.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

// What of a verdict's evidence says how fast a kernel is and why, and what says that it is right or wrong.
constexpr const char* kProfile[] = {"profile", "shapes", "kernels", "compiler_remarks", "vectorised", "coverage"};
constexpr const char* kNotShown[] = {"log",
                                     "device",
                                     "input_seed",
                                     "noise",
                                     "quads_dropped",
                                     "judged",
                                     "records",
                                     "unseen_inputs",
                                     "processes",
                                     "bitwise_repeatable",
                                     "other_processes_on_the_device",
                                     "driver",
                                     "device_checkers",
                                     "late_warps",
                                     "late_threads",
                                     "one_by_one",
                                     "alone",
                                     "counters"};
constexpr size_t kMostEvidence = 8000;

// For the compiler: "sm_90a". Empty for a device that has none, or of which it is not known.
std::string Architecture(const Device& device) {
  const auto found = device.facts.find("architecture");
  return found != device.facts.end() && found->is_string() ? found->get<std::string>() : "";
}

ordered_json Profile(const ordered_json& evidence) {
  ordered_json profile = ordered_json::object();
  for (const char* key : kProfile) {
    if (evidence.contains(key)) profile[key] = evidence[key];
  }
  return profile;
}

ordered_json Findings(ordered_json evidence) {
  for (const char* key : kProfile) evidence.erase(key);
  for (const char* key : kNotShown) evidence.erase(key);
  return evidence;
}

std::string MeasuredText(const Judged& judged, int tried) {
  const Verdict& verdict = judged.verdict;
  std::string text = Summary(verdict);
  if (verdict.speedup) {
    text += fmt::format(": {} the baseline's speed{}", FormatSpeedup(verdict),
                        verdict.confirmed ? ", confirmed in three fresh processes" : "");
  }
  if (verdict.time_us) text += fmt::format("; {} a call", FormatMicroseconds(verdict.time_us));
  if (verdict.sol_fraction) text += fmt::format(", {} of the speed of light", FormatPercent(*verdict.sol_fraction));
  if (!judged.configuration.empty()) {
    text += fmt::format("; with {}{}", Text(judged.configuration),
                        tried > 1 ? fmt::format(", the best of {} configurations that were tried", tried) : "");
  }
  return text + ".";
}

std::string FailedText(const Judged& judged) {
  std::string text = Summary(judged.verdict);
  if (!judged.configuration.empty()) text += fmt::format("\nWith {}.", Text(judged.configuration));
  const std::string evidence = EvidenceText(Findings(judged.verdict.evidence), kMostEvidence);
  return evidence.empty() ? text : text + "\n" + evidence;
}

}  // namespace

Memory::Memory(const Spec& spec, Target target, const Device& device, const Peaks& peaks, const Asking& asking)
    : asking_(asking),
      task_{.target = target,
            .knowledge = KnowledgeOf(Architecture(device)),
            .spec = spec.text,
            .device = device.name,
            .device_facts = DeviceFacts(device),
            .device_details = DeviceDetails(peaks),
            .hint = asking.hint},
      limits_{.tokens = asking.prompt_tokens},
      window_(asking.strategy, asking.top) {}

void Memory::Add(const Turn& turn) {
  const Known& known = turns_[turn.number] = {.turn = &turn};
  if (!turn.code_hash.empty()) {
    const auto [at, first] = codes_.emplace(turn.code_hash, turn.number);
    if (!first && turn.number < at->second) at->second = turn.number;
  }
  if (!turn.IsJudged()) window_.Add(Summarise(known));
}

void Memory::Learn(const Judged& judged, bool confirmation) {
  const auto found = turns_.find(judged.turn);
  if (found == turns_.end()) return;
  Known& known = found->second;
  if (!confirmation) ++known.tried;
  const double before = RewardOf(known);
  const bool withdrawn = confirmation && known.best && known.best->configuration == judged.configuration &&
                         (!judged.verdict.correct() || judged.verdict.speedup);
  if (!known.best || withdrawn || kopt::RewardOf(asking_.reward, judged.verdict) > before) {
    known.best = judged;
    known.best->verdict.samples.clear();
  }
  if (RewardOf(known) < before) return Forget();
  window_.Add(Summarise(known));
}

void Memory::Forget() {
  window_ = Window(asking_.strategy, asking_.top);
  for (const auto& [number, known] : turns_) {
    if (known.best || !known.turn->IsJudged()) window_.Add(Summarise(known));
  }
}

std::optional<int> Memory::SameCode(const std::string& code_hash) const {
  const auto found = codes_.find(code_hash);
  return found == codes_.end() ? std::nullopt : std::optional(found->second);
}

double Memory::RewardOf(const Known& known) const {
  return known.best ? kopt::RewardOf(asking_.reward, known.best->verdict) : 0;
}

ShownTurn Memory::Show(const Known& known) const {
  const Turn& turn = *known.turn;
  ShownTurn shown{.number = turn.number, .reward = RewardOf(known), .code = turn.source};
  if (turn.source.empty()) {
    shown.verdict = turn.complaint;
  } else if (turn.duplicate_of) {
    shown.verdict = fmt::format("Its code is that of turn {} but for comments and layout: it was not measured again.",
                                *turn.duplicate_of);
  } else if (known.best) {
    const Judged& best = *known.best;
    const auto log = best.verdict.evidence.find("log");
    const bool correct = best.verdict.correct();
    shown.verdict = correct ? MeasuredText(best, known.tried) : FailedText(best);
    shown.facts = EvidenceText(Profile(best.verdict.evidence), kMostEvidence);
    if (!correct && log != best.verdict.evidence.end() && log->is_string()) shown.log = log->get<std::string>();
    // The values that were found to be the best stand in front.
    if (correct && turn.candidate) shown.code = SourceWithDefaults(*turn.candidate, best.configuration);
  }
  return shown;
}

TurnSummary Memory::Summarise(const Known& known) const {
  const ShownTurn shown = Show(known);
  return {.number = shown.number,
          .reward = shown.reward,
          .correct = known.best && known.best->verdict.correct(),
          .code_hash = known.turn->code_hash,
          .tokens = EstimateTokens(std::min(shown.code.size(), limits_.code)) +
                    EstimateTokens(std::min(shown.verdict.size(), limits_.verdict)) +
                    EstimateTokens(std::min(shown.facts.size(), limits_.facts)) +
                    EstimateTokens(std::min(shown.log.size(), limits_.log))};
}

Result<Prompt> Memory::Write(int number, std::optional<double> spent) const {
  PromptInputs inputs = task_;
  inputs.turn = number;
  inputs.spent = spent;
  const Window::Choice choice = window_.Choose(limits_.tokens);
  for (const TurnSummary& turn : choice.turns) inputs.turns.push_back(Show(turns_.at(turn.number)));
  if (choice.failure) inputs.failure = Show(turns_.at(choice.failure->number));
  return WritePrompt(inputs, limits_);
}

std::string DeviceFacts(const Device& device) {
  std::string facts;
  for (const auto& [name, value] : device.values) {
    facts += fmt::format("{}{} = {}", facts.empty() ? "" : "\n", name, value);
  }
  return facts;
}

std::string DeviceDetails(const Peaks& peaks) {
  std::string details;
  const auto add = [&](std::string_view what, double rate, std::string_view unit) {
    if (rate > 0) details += fmt::format("{}{}: {}", details.empty() ? "" : "\n", what, FormatRate(rate, unit));
  };
  add("memory read, measured", peaks.read_bytes, "B/s");
  add("memory written, measured", peaks.write_bytes, "B/s");
  add("memory copied, measured (bytes read and written)", peaks.copy_bytes, "B/s");
  for (const auto& [unit, rate] : peaks.flops) add("arithmetic " + unit + ", measured", rate, "op/s");
  return details;
}

}  // namespace kopt
