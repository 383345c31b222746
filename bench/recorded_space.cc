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
    if (screening.at("deviation").is_null()) continue;  // its speed could not be told
    replay.screened[*point].push_back(
        {.log_speedup = std::log(screening.at("speedup").get<double>()), .deviation = screening.at("deviation")});
  }
  for (const Point& point : wrong) replay.screened.erase(point);
  for (const auto& [point, screenings] : replay.screened) replay.log_speedups[point] = WeightedMean(screenings);
  return replay;
}

}  // namespace kopt
