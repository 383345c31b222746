#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

ordered_json TextOrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

// Characters on screen: bytes that do not continue a UTF-8 sequence.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table(const std::vector<std::vector<std::string>>& rows, int indent) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line(static_cast<size_t>(indent), ' ');
    for (size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - Width(row[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

void PrintDocument(std::ostream& out, const ordered_json& document) {
  out << document.dump(2, ' ', false, ordered_json::error_handler_t::replace) << std::endl;
}

ordered_json ErrorDocument(const Error& error) {
  ordered_json body = {
      {"exit", static_cast<int>(error.exit)}, {"message", error.message},
      {"file", TextOrNull(error.file)},       {"line", error.line > 0 ? ordered_json(error.line) : ordered_json()},
      {"key", TextOrNull(error.key)},         {"hint", TextOrNull(error.hint)}};
  if (!error.log.empty()) body["log"] = error.log;
  return {{"kopt", 1}, {"error", body}};
}

std::string ErrorText(const Error& error) {
  Error first = error;
  first.hint.clear();
  std::string text = "kopt: " + Printable(first.Text()) + "\n";
  if (!error.log.empty()) {
    std::string log = Printable(error.log);
    while (log.ends_with('\n')) log.pop_back();
    for (size_t at = 0; (at = log.find('\n', at)) != std::string::npos; at += 3) log.replace(at, 1, "\n  ");
    text += "  " + log + "\n";
  }
  if (!error.hint.empty()) text += "hint: " + Printable(error.hint) + "\n";
  return text;
}

}  // namespace kopt
