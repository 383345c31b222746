#include "task/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace kopt {
namespace {

constexpr size_t kLongestWord = 64;

// Edit distance (insert, delete, replace, swap of neighbours) in half steps: a change of case costs 1, all else 2.
int Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> cost(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = static_cast<int>(2 * i);
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = static_cast<int>(2 * j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
      int replace = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 2;
      cost[i][j] = std::min({cost[i - 1][j] + 2, cost[i][j - 1] + 2, cost[i - 1][j - 1] + replace});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 2);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string NearestWord(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  int best_distance = 0;
  if (word.empty() || word.size() > kLongestWord) return best;
  for (const std::string& candidate : known) {
    if (candidate.size() > kLongestWord) continue;
    int distance = Distance(word, candidate);
    int most = std::max<int>(2, static_cast<int>(2 * std::max(word.size(), candidate.size()) / 3));
    if (distance <= most && (best.empty() || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string NearestHint(std::string_view word, const std::vector<std::string>& known) {
  std::string nearest = NearestWord(word, known);
  if (!nearest.empty()) return fmt::format("did you mean `{}`?", nearest);
  if (known.empty()) return "";
  return fmt::format("known: {}", fmt::join(known, ", "));
}

}  // namespace kopt
