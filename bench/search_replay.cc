// How many configurations each search has to try, replayed on spaces of which every figure is known.
//
//   search_replay [--replays N] [FILE.json ...]    recordings of bench/record_space.cc; without files: made-up spaces
//
// A replay begins with the defaults, as a run of `kopt optimize` does, and asks for 2 configurations at a time (and
// again for 4). It ends when a configuration within 5 % of the best was tried; the defaults do not count as an
// evaluation.
//
// Noise. Of a recording, "the best" and "within 5 %" go by the mean of all screenings of a configuration, weighted by
// their variances, and by speedup, which is relative to the baseline's time in the same seconds, not by time. What a
// search sees is one screening, drawn anew in each replay. The more passes were recorded, the less of the best is luck;
// the deviation of the best figures is printed: where it is near 5 %, the ratios mean little. A made-up space is known
// without noise, and seen with noise of 3 %. A screening that looks slower than the best so far ends after 3 quads of
// 8; so it does here, with the noise of the missing quads added.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "bench/replay_space.h"

namespace kopt {
namespace {

constexpr double kGoal = 0.05;
constexpr double kQuads = 8, kEarlyQuads = 3;
constexpr double kLooksWorse = 1.645;  // standard errors: one-sided 95 %

struct Replayed {
  double evaluations = 0;
  double seconds = 0;  // of all proposals
  int proposals = 0;
};

// What the search sees of a configuration when the best so far is `best`.
Trial Screen(const ReplaySpace& replay, const Point& point, double best, Random& random) {
  Trial trial{.configuration = replay.space.At(point), .correct = replay.too_noisy.contains(point)};
  const auto known = replay.log_speedups.find(point);
  if (known == replay.log_speedups.end()) return trial;
  Screened seen{.log_speedup = known->second + replay.noise * Normal(random), .deviation = replay.noise};
  if (const auto recorded = replay.screened.find(point); recorded != replay.screened.end())
    seen = recorded->second[random.Below(recorded->second.size())];
  const double early = seen.deviation * std::sqrt(kQuads / kEarlyQuads);
  if (best > 0 && seen.log_speedup + kLooksWorse * early < std::log(best)) {
    seen.log_speedup += std::sqrt(early * early - seen.deviation * seen.deviation) * Normal(random);
    seen.deviation = early;
  }
  trial.correct = true;
  trial.speedup = std::exp(seen.log_speedup);
  trial.deviation = seen.deviation;
  return trial;
}

Replayed Replay(const ReplaySpace& replay, const std::string& strategy, uint64_t seed, size_t batch, double goal) {
  const auto search = NewSearch(strategy, replay.space, seed).value();
  Random random(seed);
  std::vector<Trial> trials = {Screen(replay, Point(replay.space.tunables().size(), 0), 0, random)};
  double best = trials.front().speedup.value_or(0);
  Replayed result;
  while (true) {
    const double begin = SystemClock().Now();
    const auto proposed = search->Propose(trials, batch);
    result.seconds += SystemClock().Now() - begin;
    ++result.proposals;
    if (proposed.empty()) return result;
    for (const Configuration& configuration : proposed) {
      const Point point = *replay.space.Find(configuration);
      trials.push_back(Screen(replay, point, best, random));
      best = std::max(best, trials.back().speedup.value_or(0));
      ++result.evaluations;
      const auto known = replay.log_speedups.find(point);
      if (known != replay.log_speedups.end() && known->second >= goal) return result;
    }
  }
}

struct Summary {
  double median = 0, high = 0;  // evaluations: median, 90th percentile
  double milliseconds = 0;      // a proposal
};

Summary Replays(const ReplaySpace& replay, const std::string& strategy, size_t batch, double goal, int replays) {
  std::vector<double> evaluations;
  double seconds = 0;
  int proposals = 0;
  for (int i = 0; i < replays; ++i) {
    const Replayed one = Replay(replay, strategy, static_cast<uint64_t>(i), batch, goal);
    evaluations.push_back(one.evaluations);
    seconds += one.seconds;
    proposals += one.proposals;
  }
  std::ranges::sort(evaluations);
  const size_t count = evaluations.size();
  return {.median = (evaluations[(count - 1) / 2] + evaluations[count / 2]) / 2,
          .high = evaluations[(count - 1) * 9 / 10],
          .milliseconds = 1000 * seconds / proposals};
}

double HighestOf(const ReplaySpace& replay) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const auto& [point, log_speedup] : replay.log_speedups) highest = std::max(highest, log_speedup);
  return highest;
}

// The line above a space's table.
std::string Head(const ReplaySpace& replay, double goal) {
  const auto points = static_cast<double>(replay.space.points().size());
  double near = 0, variance = 0;
  for (const auto& [point, log_speedup] : replay.log_speedups) {
    if (log_speedup < goal) continue;
    ++near;
    double weights = 0;
    if (const auto recorded = replay.screened.find(point); recorded != replay.screened.end())
      for (const Screened& one : recorded->second) weights += 1 / (one.deviation * one.deviation);
    variance += weights > 0 ? 1 / weights : 0;
  }
  return fmt::format(
      "{}: {} points, {:.1f} % with a figure, {} ({:.2f} %) within 5 % of the best; deviation of these {:.1f} %",
      replay.name, points, 100 * static_cast<double>(replay.log_speedups.size()) / points, near, 100 * near / points,
      100 * std::sqrt(variance / near));
}

void Print(const ReplaySpace& replay, int replays) {
  const double goal = HighestOf(replay) - std::log1p(kGoal);
  std::printf("%s\n", Head(replay, goal).c_str());
  const auto defaults = replay.log_speedups.find(Point(replay.space.tunables().size(), 0));
  if (defaults != replay.log_speedups.end() && defaults->second >= goal)
    std::printf("  the defaults are within 5 %% themselves: there is nothing to find\n");
  double random[2] = {};
  for (const char* strategy : {"random", "exhaustive", "model"}) {
    std::string line = fmt::format("  {:<10}", strategy);
    double milliseconds = 0;
    for (int i = 0; i < 2; ++i) {
      // Every replay of the exhaustive search is the same.
      const Summary summary = Replays(replay, strategy, i == 0 ? 2 : 4, goal, strategy[0] == 'e' ? 1 : replays);
      if (strategy[0] == 'r') random[i] = summary.median;
      line += fmt::format("   {:>7} {:>7} {:>6.2f}", summary.median, summary.high, summary.median / random[i]);
      if (i == 0) milliseconds = summary.milliseconds;
    }
    std::printf("%s   %8.2f\n", line.c_str(), milliseconds);
    std::fflush(stdout);
  }
}

int Run(const std::vector<std::string>& files, int replays) {
  std::vector<ReplaySpace> spaces;
  for (const std::string& file : files) {
    auto replay = ReadRecordedSpace(file);
    if (!replay) {
      std::fprintf(stderr, "search_replay: %s\n", replay.error().Text().c_str());
      return 2;
    }
    spaces.push_back(*std::move(replay));
  }
  if (files.empty()) spaces = SyntheticSpaces();
  std::printf("evaluations until within 5 %% of the best, %d replays: median, 90th percentile, median over random's\n",
              replays);
  std::printf("  %-10s   %23s   %23s   %8s\n", "search", "2 at a time", "4 at a time", "ms each");
  for (const ReplaySpace& replay : spaces) Print(replay, replays);
  return 0;
}

}  // namespace
}  // namespace kopt

int main(int argc, char** argv) {
  int replays = 50;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    if (argv[i] == std::string_view("--replays") && i + 1 < argc) {
      replays = std::atoi(argv[++i]);
    } else {
      files.emplace_back(argv[i]);
    }
  }
  if (replays < 1 || (!files.empty() && files.front().starts_with("--"))) {
    std::fputs("usage: search_replay [--replays N] [FILE.json ...]\n", stderr);
    return 2;
  }
  return kopt::Run(files, replays);
}
