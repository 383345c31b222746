#include "prompts/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <kainjow/mustache.hpp>
#include <utility>

namespace kopt {

extern const std::string_view kBudgetTemplate, kDeviceTemplate, kFailureTemplate, kFirstTemplate, kHintTemplate,
    kImproveTemplate, kLanguageTemplate, kRepairTemplate, kSystemTemplate, kTaskTemplate, kTurnTemplate, kTurnsTemplate;
extern const std::string_view kCpuExample, kCudaExample;

namespace {

namespace mustache = kainjow::mustache;

// A template as the library needs it. Of a section on lines of its own that is not shown it would leave an empty line,
// so the empty opposite of the section is put behind the tag that ends it. A partial stands on a line of its own as
// well, and brings that line's end.
std::string Prepared(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    result += line;
    if (line.starts_with("{{/") && line.find("}}") + 2 == line.size()) {
      const std::string_view name = line.substr(3, line.size() - 5);
      result += fmt::format("{{{{^{0}}}}}{{{{/{0}}}}}", name);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!text.empty()) result += '\n';
  }
  return result;
}

std::string WithoutLastNewline(std::string_view text) {
  return std::string(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text);
}

// Sets `name`, and `has_name`, so that a section can ask for it.
void SetIfAny(mustache::data& data, const std::string& name, const std::string& text) {
  data.set("has_" + name, !text.empty());
  data.set(name, text);
}

mustache::data TurnData(const ShownTurn& turn) {
  mustache::data data;
  data.set("number", fmt::to_string(turn.number));
  data.set("reward", fmt::format("{:.4g}", turn.reward));
  SetIfAny(data, "code", turn.code);
  SetIfAny(data, "verdict", turn.verdict);
  SetIfAny(data, "facts", turn.facts);
  SetIfAny(data, "log", turn.log);
  return data;
}

mustache::data DataOf(const PromptInputs& parts) {
  mustache::data data;
  const std::pair<const char*, std::string_view> partials[] = {
      {"budget", kBudgetTemplate},     {"device", kDeviceTemplate}, {"failure", kFailureTemplate},
      {"hint", kHintTemplate},         {"task", kTaskTemplate},     {"turn", kTurnTemplate},
      {"language", kLanguageTemplate}, {"turns", kTurnsTemplate}};
  for (const auto& [name, text] : partials) data.set(name, Prepared(text));

  data.set("cpu", parts.target == Target::kCpu);
  data.set("cuda", parts.target == Target::kCuda);
  data.set("example_cpu", WithoutLastNewline(kCpuExample));
  data.set("example_cuda", WithoutLastNewline(kCudaExample));
  SetIfAny(data, "knowledge", WithoutLastNewline(parts.knowledge.text));
  SetIfAny(data, "worked_example", WithoutLastNewline(parts.knowledge.example));
  data.set("spec", parts.spec);
  data.set("has_device", !parts.device_facts.empty() || !parts.device_details.empty());
  SetIfAny(data, "device_facts", parts.device_facts);
  SetIfAny(data, "device_details", parts.device_details);
  SetIfAny(data, "hint_text", parts.hint);
  data.set("this_turn", fmt::to_string(parts.turn));
  const bool has_spent = parts.spent && std::isfinite(*parts.spent);
  data.set("has_spent", has_spent);
  if (has_spent) data.set("percent", fmt::format("{:.0f}", std::floor(100 * std::clamp(*parts.spent, 0.0, 1.0))));

  mustache::data turns(mustache::data::type::list);
  for (const ShownTurn& turn : parts.turns) turns << TurnData(turn);
  data.set("has_turns", !parts.turns.empty());
  data.set("turns_shown", turns);
  if (parts.failure) data.set("failed", TurnData(*parts.failure));
  return data;
}

Result<std::string> Render(std::string_view text, const mustache::data& data) {
  mustache::mustache engine{Prepared(text)};
  engine.set_custom_escape([](const std::string& plain) { return plain; });  // prompts are no HTML
  std::string result = engine.render(data);
  if (!engine.is_valid()) return InternalError("a prompt's template is broken: " + engine.error_message());
  return result + '\n';
}

}  // namespace

Result<Prompt> RenderPrompt(const PromptInputs& parts) {
  const mustache::data data = DataOf(parts);
  const std::string_view user = parts.failure         ? kRepairTemplate
                                : parts.turns.empty() ? kFirstTemplate
                                                      : kImproveTemplate;
  Prompt prompt;
  KOPT_TRY(prompt.system, Render(kSystemTemplate, data));
  KOPT_TRY(prompt.user, Render(user, data));
  return prompt;
}

}  // namespace kopt
