#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/files.h"
#include "bench/replay_space.h"

namespace kopt {
namespace {

using Json = nlohmann::json;

Result<Space> SpaceOf(const Json& recording, const std::string& file) {
  KOPT_TRY(const Spec spec, ParseSpec(recording.at("spec"), file));
  KOPT_TRY(const Candidate seed, ParseCandidate(spec, Target::kCpu, recording.at("seed"), file));
  std::vector<const Shape*> shapes = spec.Scored(Target::kCpu);
  for (const Shape* shape : spec.Checks(Target::kCpu)) shapes.push_back(shape);
  return Space::Create(spec, seed, shapes, recording.at("device_values").get<Values>());
}

double WeightedMean(const std::vector<Screened>& screenings) {
  double sum = 0, weights = 0;
  for (const Screened& one : screenings) {
    sum += one.log_speedup / (one.deviation * one.deviation);
    weights += 1 / (one.deviation * one.deviation);
  }
  return sum / weights;
}

}  // namespace

Result<ReplaySpace> ReadRecordedSpace(const std::string& file) {
  KOPT_TRY(const std::string text, ReadFile(file));
  const Json recording = Json::parse(text, nullptr, false);
  if (!recording.is_object() || recording.value("format", 0) != 1)
    return UsageError(file + " is no recording of format 1", "bench/record_space.cc writes them");
  KOPT_TRY(Space space, SpaceOf(recording, file));
  ReplaySpace replay{.name = recording.at("task"), .space = std::move(space)};
  std::set<Point> wrong;
  for (const Json& screening : recording.at("screenings")) {
    const auto point = replay.space.Find(screening.at("configuration").get<Configuration>());
    if (!point) return UsageError(file + " has a configuration that is not of its space");
    if (screening.at("outcome") != "measured") wrong.insert(*point);
    std::vector<Screened>& screened = replay.screened[*point];
    if (screening.at("deviation").is_null()) continue;
    screened.push_back(
        {.log_speedup = std::log(screening.at("speedup").get<double>()), .deviation = screening.at("deviation")});
  }
  const size_t missing = replay.space.points().size() - replay.screened.size();
  if (missing > 0)
    return UsageError(fmt::format("{} configurations of {} were not screened yet", missing, file),
                      "call record_space again; it goes on where it ended");
  for (const Point& point : replay.space.points()) {
    const std::vector<Screened>& screened = replay.screened[point];
    if (!screened.empty() && !wrong.contains(point)) {
      replay.log_speedups[point] = WeightedMean(screened);
      continue;
    }
    if (!wrong.contains(point)) replay.too_noisy.insert(point);
    replay.screened.erase(point);
  }
  return replay;
}

}  // namespace kopt
