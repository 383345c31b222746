#include "prompts/prompt.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <ranges>
#include <utility>

#include "prompts/compiler_log.h"
#include "prompts/data_block.h"
#include "prompts/render.h"

namespace kopt {
namespace {

constexpr double kUsualBytesPerToken = 3.2;

void MakeBlock(std::string& text, std::string_view info, size_t most) {
  if (!text.empty()) text = DataBlock(text, info, most);
}

void MakeBlocks(ShownTurn& turn, Target target, const PromptLimits& limits) {
  MakeBlock(turn.code, target == Target::kCuda ? "cuda" : "cpp", limits.code);
  MakeBlock(turn.verdict, "text", limits.verdict);
  MakeBlock(turn.facts, "text", limits.facts);
  turn.log = ErrorsOf(turn.log);
  MakeBlock(turn.log, "text", limits.log);
}

// The inputs with a block in place of each text.
PromptInputs Blocks(PromptInputs parts, const PromptLimits& limits) {
  MakeBlock(parts.spec, "toml", parts.spec.size() * 6 + 1);  // never cut: no character is shown by more
  std::ranges::replace(parts.device, '\n', ' ');
  if (!parts.device.empty() && !parts.device_facts.empty()) parts.device += '\n';
  parts.device_facts = parts.device + parts.device_facts;
  MakeBlock(parts.device_facts, "text", limits.device);
  MakeBlock(parts.device_details, "text", limits.device_details);
  MakeBlock(parts.hint, "text", limits.hint);
  for (ShownTurn& turn : parts.turns) MakeBlocks(turn, parts.target, limits);
  if (parts.failure) MakeBlocks(*parts.failure, parts.target, limits);
  return parts;
}

using Cut = std::function<void(PromptInputs&)>;

ShownTurn& TurnOf(PromptInputs& parts, int number) {
  return *std::ranges::find(parts.turns, number, &ShownTurn::number);
}

// In the order of the header.
std::vector<Cut> Cuts(const PromptInputs& parts) {
  std::vector<std::pair<double, int>> least;
  for (const ShownTurn& turn : parts.turns) least.emplace_back(turn.reward, turn.number);
  std::ranges::sort(least);

  std::vector<Cut> cuts;
  for (const int number : least | std::views::values) {
    cuts.emplace_back([number](PromptInputs& all) { TurnOf(all, number).facts.clear(); });
    cuts.emplace_back([number](PromptInputs& all) { TurnOf(all, number).log.clear(); });
    cuts.emplace_back([number](PromptInputs& all) {
      std::erase_if(all.turns, [number](const ShownTurn& turn) { return turn.number == number; });
    });
  }
  cuts.emplace_back([](PromptInputs& all) { all.device_details.clear(); });
  cuts.emplace_back([](PromptInputs& all) { all.knowledge.example = {}; });
  cuts.emplace_back([](PromptInputs& all) { all.knowledge.text = {}; });
  if (parts.failure) {
    cuts.emplace_back([](PromptInputs& all) { all.failure->facts.clear(); });
    cuts.emplace_back([](PromptInputs& all) { all.failure->log.clear(); });
    cuts.emplace_back([](PromptInputs& all) { all.failure.reset(); });
  }
  cuts.emplace_back([](PromptInputs& all) { all.device_facts.clear(); });
  cuts.emplace_back([](PromptInputs& all) { all.hint.clear(); });
  return cuts;
}

std::vector<int> Numbers(const PromptInputs& parts) {
  std::vector<int> numbers;
  for (const ShownTurn& turn : parts.turns) numbers.push_back(turn.number);
  if (parts.failure) numbers.push_back(parts.failure->number);
  return numbers;
}

Result<Prompt> WithoutFirst(size_t count, const std::vector<Cut>& cuts, PromptInputs parts, double bytes_per_token) {
  for (const Cut& cut : cuts | std::views::take(count)) cut(parts);
  KOPT_TRY(Prompt prompt, RenderPrompt(parts));
  prompt.shown = Numbers(parts);
  prompt.tokens = EstimateTokens(prompt.system, bytes_per_token) + EstimateTokens(prompt.user, bytes_per_token);
  return prompt;
}

}  // namespace

long long EstimateTokens(size_t bytes, double bytes_per_token) {
  const double each = bytes_per_token > 0 && std::isfinite(bytes_per_token) ? bytes_per_token : kUsualBytesPerToken;
  return static_cast<long long>(std::ceil(static_cast<double>(bytes) / each));
}

long long EstimateTokens(std::string_view text, double bytes_per_token) {
  return EstimateTokens(text.size(), bytes_per_token);
}

Result<Prompt> WritePrompt(const PromptInputs& inputs, const PromptLimits& limits) {
  const PromptInputs parts = Blocks(inputs, limits);
  KOPT_TRY(Prompt whole, WithoutFirst(0, {}, parts, limits.bytes_per_token));
  if (whole.tokens <= limits.tokens) return whole;
  const std::vector<Cut> cuts = Cuts(parts);
  // Each cut makes the prompt shorter, so the fewest that will do are found by halving.
  size_t low = 1, high = cuts.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    KOPT_TRY(const Prompt prompt, WithoutFirst(middle, cuts, parts, limits.bytes_per_token));
    if (prompt.tokens <= limits.tokens) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  KOPT_TRY(Prompt prompt, WithoutFirst(low, cuts, parts, limits.bytes_per_token));
  if (prompt.tokens <= limits.tokens) return prompt;
  return UsageError(fmt::format("the task and the plan language need about {} tokens, {} more than the limit of {}",
                                prompt.tokens, prompt.tokens - limits.tokens, limits.tokens),
                    "raise the limit, or shorten the spec's comments");
}

}  // namespace kopt
