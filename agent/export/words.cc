// Names, types and small texts of an exported project.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "agent/export/parts.h"
#include "agent/format.h"
#include "base/printable.h"

namespace kopt {
namespace {

constexpr size_t kWidth = 118;  // characters of a line

// The words of a text that may hold anything; control characters are shown as escapes.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : Printable(text)) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string RealText(double value, std::string_view suffix) {
  if (std::isnan(value)) return "NAN";
  if (std::isinf(value)) return value < 0 ? "-INFINITY" : "INFINITY";
  return fmt::format("{:a}{}", value, suffix);
}

// Without folders: the project is for people who do not have them.
std::string BaselineText(const Contestants& contestants, int turn) {
  const auto name = [](const Candidate& candidate) {
    return std::filesystem::path(candidate.file).filename().string();
  };
  if (contestants.baseline) return fmt::format("the baseline {}", name(*contestants.baseline));
  if (turn > 0) return fmt::format("the kernel that the search began with, {}", name(*contestants.seed));
  const Configuration defaults = DefaultConfiguration(*contestants.seed);
  return defaults.empty() ? "itself" : fmt::format("the same source with its default tunables ({})", Text(defaults));
}

}  // namespace

std::string Filled(std::string_view text, const std::vector<std::pair<std::string, std::string>>& values) {
  const std::map<std::string_view, std::string_view> known(values.begin(), values.end());
  std::string filled;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = text.find('@', at);
    const size_t end = begin == std::string_view::npos ? begin : text.find('@', begin + 1);
    const auto value =
        end == std::string_view::npos ? known.end() : known.find(text.substr(begin + 1, end - begin - 1));
    if (value == known.end()) {
      const size_t next = std::min(begin, text.size() - 1) + 1;
      filled += text.substr(at, next - at);
      at = next;
      continue;
    }
    filled += text.substr(at, begin - at);
    filled += value->second;
    at = end + 1;
  }
  return filled;
}

std::string Wrapped(std::string_view first, std::string_view prefix, std::string_view words) {
  std::string text, line(first);
  bool empty = true;
  const auto end_line = [&] {
    // A backslash at its end would make the next line of a comment's a part of it.
    text += line + (line.ends_with('\\') ? " ." : "") + "\n";
    line = prefix;
    empty = true;
  };
  for (const std::string& word : Words(words)) {
    if (line.size() + 1 + word.size() > kWidth && !empty) end_line();
    line += (empty ? "" : " ") + word;
    empty = false;
  }
  end_line();
  return text;
}

std::string Commented(std::string_view prefix, std::string_view words) {
  const std::string mark = std::string(prefix) + " ";
  return Wrapped(mark, mark, words);
}

std::string Lines(const std::string& head, const std::vector<std::string>& parts, const std::string& tail) {
  const size_t indent = std::min(head.find_first_not_of(' '), head.size()) + 4;
  std::string text, line = head;
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string part = parts[i] + (i + 1 < parts.size() ? "," : tail);
    const bool first = i == 0;
    if (line.size() + part.size() + (first ? 0 : 1) > kWidth && line.size() > indent) {
      text += line + "\n";
      line = std::string(indent, ' ') + part;
    } else {
      line += (first ? "" : " ") + part;
    }
  }
  return text + line + (parts.empty() ? tail : "");
}

std::vector<std::string> Parameters(const Package& package, bool declared) {
  std::vector<std::string> parts = {fmt::format("const {}& {}", package.dims_type, package.dims)};
  for (const Tensor* tensor : package.tensors)
    parts.push_back(
        fmt::format("{}{}* {}", tensor->IsWritten() ? "" : "const ", package.Type(tensor->dtype), tensor->name));
  for (const Scalar& scalar : package.spec().scalars)
    parts.push_back(fmt::format("{} {}", package.ScalarType(scalar.dtype), scalar.name));
  parts.push_back(fmt::format("const {}::Options& {}{}", package.name, package.options, declared ? " = {}" : ""));
  return parts;
}

std::string DimValues(const Spec& spec, const Shape& shape) {
  std::string text;
  for (const std::string& dim : spec.dims) text += (text.empty() ? "" : ", ") + CppLiteral(shape.dims.at(dim));
  return text;
}

std::string ScalarText(const Scalar& scalar, uint64_t bits) {
  std::byte bytes[sizeof bits];
  std::memcpy(bytes, &bits, sizeof bits);
  if (scalar.dtype == DType::kBool) return LoadInt(scalar.dtype, bytes, 0) != 0 ? "true" : "false";
  if (scalar.dtype == DType::kF64) return RealText(LoadReal(scalar.dtype, bytes, 0), "");
  if (IsFloating(scalar.dtype)) {
    const std::string text = RealText(LoadReal(scalar.dtype, bytes, 0), "f");
    return scalar.dtype == DType::kF16 ? fmt::format("static_cast<_Float16>({})", text) : text;
  }
  if (scalar.dtype == DType::kU64) return fmt::format("{}ULL", bits);
  return CppLiteral(LoadInt(scalar.dtype, bytes, 0));
}

std::string MeasuredText(const Package& package) {
  const Verdict& verdict = package.winner.verdict;
  const RunRow& run = package.run.row;
  const std::string date = (run.ended.empty() ? run.started : run.ended).substr(0, 10);
  return fmt::format(
      "speedup {} (99 % interval) against {}; {} a call, the baseline {}: geometric means over the scored shapes, in "
      "three processes of their own, on {}, {}",
      FormatSpeedup(verdict), BaselineText(package.run.contestants, package.winner.turn),
      FormatMicroseconds(verdict.time_us), FormatMicroseconds(verdict.baseline_us), run.device, date);
}

}  // namespace kopt
