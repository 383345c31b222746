#include "agent/evidence.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kLines[] = {"profile", "compiler_remarks"};  // texts of several lines
constexpr std::string_view kFigures = "counters";                       // what it was made from: for programs

std::string Indented(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    result += fmt::format("\n  {}", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

// On one line: numbers with four digits, the entries of objects as "key value", lists with commas.
std::string LineText(const ordered_json& value) {
  if (value.is_string()) return Printable(value.get_ref<const std::string&>());
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, part] : value.items()) {
    text += text.empty() ? "" : ", ";
    text += value.is_object() ? Printable(key) + " " + LineText(part) : LineText(part);
  }
  return value.is_object() ? text : "[" + text + "]";
}

std::string ValueText(std::string_view key, const ordered_json& value) {
  const bool rows = value.is_array() && !value.empty() &&
                    (value.front().is_object() || std::ranges::find(kLines, key) != std::end(kLines));
  if (rows) {
    std::string text;
    for (const ordered_json& row : value) text += "\n  " + LineText(row);
    return text;
  }
  const std::string text = LineText(value);
  return text.find('\n') == std::string::npos ? " " + text : Indented(text);
}

}  // namespace

std::string Summary(const Verdict& verdict) {
  if (verdict.correct()) {
    return verdict.remark.empty() ? std::string(Name(verdict.outcome))
                                  : fmt::format("{} ({})", Name(verdict.outcome), verdict.remark);
  }
  std::string text = fmt::format("{} at {}", Name(verdict.outcome), Name(verdict.stage));
  if (!verdict.reason.empty()) text += ": " + Printable(verdict.reason);
  return text;
}

std::string EvidenceText(const nlohmann::ordered_json& evidence, size_t most) {
  if (!evidence.is_object()) return evidence.is_null() ? "" : LineText(evidence);
  std::string text;
  for (const auto& [key, value] : evidence.items()) {
    if (key == kFigures) continue;
    text += fmt::format("{}{}:{}", text.empty() ? "" : "\n", Printable(key), ValueText(key, value));
    if (text.size() > most) {
      text.resize(most);
      return Printable(text) + "\n[cut]";
    }
  }
  return text;
}

}  // namespace kopt
