#include "task/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace kopt {
namespace {

constexpr size_t kLongest = 64;  // longer names are no misspelling of anything
constexpr int kEdit = 2;         // cost of an edit, so that a difference in case can cost half

int Difference(char a, char b) {
  if (a == b) return 0;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return lower(a) == lower(b) ? kEdit / 2 : kEdit;
}

// Optimal string alignment.
int Distance(std::string_view a, std::string_view b) {
  std::array<std::array<int, kLongest + 1>, kLongest + 1> cost;
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int>(i) * kEdit;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = static_cast<int>(j) * kEdit;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      int best = std::min(cost[i - 1][j], cost[i][j - 1]) + kEdit;
      best = std::min(best, cost[i - 1][j - 1] + Difference(a[i - 1], b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, cost[i - 2][j - 2] + kEdit);
      cost[i][j] = best;
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string Nearest(std::string_view name, std::span<const std::string> valid) {
  std::string nearest;
  if (name.empty() || name.size() > kLongest) return nearest;
  int least = static_cast<int>(name.size()) * kEdit / 2 + 1;
  for (const std::string& candidate : valid) {
    if (candidate.size() > kLongest) continue;
    const int distance = Distance(name, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string NearestHint(std::string_view name, std::span<const std::string> valid) {
  if (valid.empty()) return "";
  const std::string nearest = Nearest(name, valid);
  if (!nearest.empty()) return fmt::format("did you mean `{}`?", nearest);
  const auto shown = valid.first(std::min<size_t>(valid.size(), 24));
  return fmt::format("it can be `{}`", fmt::join(shown, "`, `"));
}

std::string Shown(std::string_view text, size_t most) {
  size_t end = std::min(text.size(), most);
  const auto continues = [&](size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  while (end > 0 && end < text.size() && continues(end)) --end;
  std::string shown(text.substr(0, end));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return end < text.size() ? shown + "..." : shown;
}

}  // namespace kopt
