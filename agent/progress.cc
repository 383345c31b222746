#include "agent/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "agent/format.h"

namespace kopt {
namespace {

class Silent final : public Progress {
 public:
  void Line(std::string_view) override {}
  void Show(const Status&) override {}
  void End() override {}
};

class Plain final : public Progress {
 public:
  Plain(std::ostream& out, Clock& clock, double every) : out_(out), clock_(clock), every_(every) {}
  void Line(std::string_view text) override { out_ << text << std::endl; }
  void Show(const Status& status) override {
    const double now = clock_.Now();
    if (shown_ && now - *shown_ < every_) return;
    // The first status comes right after the lines that open a run: wait one period before the first.
    if (shown_) Line("  " + Text(status));
    shown_ = now;
  }
  void End() override {}

 private:
  std::ostream& out_;
  Clock& clock_;
  double every_;
  std::optional<double> shown_;
};

class Terminal final : public Progress {
 public:
  Terminal(std::ostream& out, int columns) : out_(out), columns_(std::max(columns, 20)) {}
  ~Terminal() override { End(); }
  void Line(std::string_view text) override {
    End();
    out_ << text << std::endl;
  }
  void Show(const Status& status) override {
    std::string text = "  " + Text(status);
    const auto room = static_cast<size_t>(columns_ - 1);
    if (text.size() > room) text.resize(room);
    out_ << "\r\x1b[2K" << text << std::flush;
    live_ = true;
  }
  void End() override {
    if (live_) out_ << "\r\x1b[2K" << std::flush;
    live_ = false;
  }

 private:
  std::ostream& out_;
  int columns_;
  bool live_ = false;
};

}  // namespace

std::string Text(const OutcomeCounts& counts) {
  std::vector<std::pair<Outcome, int>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  int total = 0;
  std::string parts;
  for (const auto& [outcome, count] : sorted) {
    if (count == 0) continue;
    total += count;
    parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", count, Name(outcome));
  }
  return parts.empty() ? fmt::format("{} tested", total) : fmt::format("{} tested: {}", total, parts);
}

std::string Text(const Status& status) {
  if (!status.seconds_left) return status.doing;
  const std::string time = std::isinf(*status.seconds_left) ? FormatTimeLeft(status.spent) + " spent"
                                                            : FormatTimeLeft(*status.seconds_left) + " left";
  return fmt::format("{}  best {}  {}  {}{}{}", time, status.best ? FormatSpeedup(*status.best) : "-",
                     Text(status.counts), status.asked, status.asked.empty() ? "" : "  ", status.doing);
}

std::unique_ptr<Progress> NoProgress() { return std::make_unique<Silent>(); }

std::unique_ptr<Progress> PlainProgress(std::ostream& out, Clock& clock, double every_seconds) {
  return std::make_unique<Plain>(out, clock, every_seconds);
}

std::unique_ptr<Progress> TerminalProgress(std::ostream& out, int columns) {
  return std::make_unique<Terminal>(out, columns);
}

}  // namespace kopt
