#include <fmt/format.h>

#include <regex>

#include "bench/mutants_edit.h"

namespace kopt {
namespace {

// The places of the parts of a bracket that opens at `open`, and behind them that of its end.
struct Parts {
  std::vector<std::pair<size_t, size_t>> parts;
  size_t close = 0;
};

Parts PartsOf(const std::string& source, size_t open) {
  Parts result;
  int depth = 0;
  size_t begin = open + 1;
  for (size_t i = open;; ++i) {
    const char c = source[i];
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (depth == 0 || (depth == 1 && c == ',')) {
      while (source[begin] == ' ') ++begin;
      result.parts.emplace_back(begin, i);
      begin = i + 1;
    }
    if (depth > 0) continue;
    result.close = i;
    return result;
  }
}

class PlanLineFaults {
 public:
  PlanLineFaults(Edits& edits, size_t begin, size_t end)
      : edits_(edits), source_(edits.source()), begin_(begin), end_(end) {}

  void Make(const std::string& word) {
    const bool step = word == "call" || word == "launch" || word == "zero";
    if (step) edits_.ReplacePlan("plan, dropped step", begin_ + 3, end_, "");
    if (word == "tune" || word == "where") return;
    ForEach("args(", [&](const Parts& list) {
      for (size_t i = 0; i + 1 < list.parts.size(); ++i) {
        const auto& [a, a_end] = list.parts[i];
        const auto& [b, b_end] = list.parts[i + 1];
        Change("swapped", a, b_end, source_.substr(b, b_end - b) + ", " + source_.substr(a, a_end - a));
      }
    });
    for (const char* clause : {"grid(", "i64("}) Sizes(clause, {"{} - 1", "{} + 1"});
    Sizes("block(", {"{} / 2", "{} - 32"});
    Sizes("smem(", {"({}) / 2", "{} - 1024"});
    Sizes("when(", {"!({})", "1"});
    for (const char* list : {"dims [", "box ["}) Sizes(list, {"{} - 1", "{} / 2"});
    if (word == "scratch") Sizes("[", {"{} - 1", "({} + 1) / 2"});
    ForEach("ceil_div(", [&](const Parts& list) {
      const auto& [a, a_end] = list.parts.front();
      const auto& [b, b_end] = list.parts.back();
      Change("rounded down", a - 9, list.close + 1,
             fmt::format("(({}) / ({}))", source_.substr(a, a_end - a), source_.substr(b, b_end - b)));
    });
    const size_t swizzle = source_.find("swizzle 128", begin_);
    if (swizzle < end_) Change("swizzle", swizzle, swizzle + 11, "swizzle 64");
  }

 private:
  template <class Work>
  void ForEach(const std::string& opening, const Work& work) {
    for (size_t at = source_.find(opening, begin_); at < end_; at = source_.find(opening, at + 1)) {
      work(PartsOf(source_, at + opening.size() - 1));
    }
  }

  void Sizes(const std::string& opening, const std::vector<std::string>& changes) {
    ForEach(opening, [&](const Parts& list) {
      for (const auto& [begin, end] : list.parts) {
        for (const std::string& change : changes) {
          Change("size", begin, end, fmt::format(fmt::runtime(change), source_.substr(begin, end - begin)));
        }
      }
    });
  }

  void Change(const std::string& kind, size_t begin, size_t end, const std::string& text) {
    edits_.ReplacePlan("plan, " + kind, begin, end, text);
  }

  Edits& edits_;
  const std::string& source_;
  size_t begin_, end_;
};

}  // namespace

void PlanFaults(Edits& edits) {
  const std::string& source = edits.source();
  static const std::regex statement("^//@ *([a-z]+)");
  for (size_t begin = 0; begin < source.size();) {
    const size_t end = std::min(source.find('\n', begin), source.size());
    const std::string line = source.substr(begin, end - begin);
    std::smatch match;
    if (std::regex_search(line, match, statement)) {
      PlanLineFaults(edits, begin, begin + std::min(line.find('#'), line.size())).Make(match[1]);
    }
    begin = end + 1;
  }
}

}  // namespace kopt
