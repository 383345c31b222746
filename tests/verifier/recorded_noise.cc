#include "tests/verifier/recorded_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

constexpr double kUnit = 1e-6;
constexpr size_t kLeastQuads = 3;

}  // namespace

Result<RecordedNoise> ReadRecordedNoise(const std::string& file) {
  KOPT_TRY(const std::string text, ReadFile(file));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto wrong = UsageError(file + " is no recording of format 1", "bench/record_noise.cc writes them");
  if (!json.is_object() || json.value("format", 0) != 1) return wrong;
  RecordedNoise noise{
      .name = json.at("name"), .batch_seconds = json.at("batch_seconds"), .pause_seconds = json.at("pause_seconds")};
  for (const auto& rows : json.at("processes")) {
    auto& quads = noise.processes.emplace_back();
    for (const auto& row : rows) {
      quads.push_back({row.at(0).get<double>() * kUnit, row.at(1).get<double>() * kUnit,
                       row.at(2).get<double>() * kUnit, row.at(3).get<double>() * kUnit});
    }
    if (quads.size() < kLeastQuads) return wrong;
  }
  if (noise.processes.empty()) return wrong;
  return noise;
}

Result<std::vector<RecordedNoise>> ReadRecordings(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path().string());
  }
  if (failed == std::errc::no_such_file_or_directory) return {};
  if (failed) return UsageError(fmt::format("{}: {}", folder, failed.message()));
  std::ranges::sort(files);
  std::vector<RecordedNoise> recordings;
  for (const std::string& file : files) {
    KOPT_TRY(RecordedNoise noise, ReadRecordedNoise(file));
    recordings.push_back(std::move(noise));
  }
  return recordings;
}

std::string RecordingText(const RecordedNoise& noise) {
  std::string text =
      fmt::format("{{\"format\": 1, \"name\": {}, \"batch_seconds\": {:.3g}, \"pause_seconds\": {:.3g},\n",
                  nlohmann::json(noise.name).dump(), noise.batch_seconds, noise.pause_seconds);
  text += "\"processes\": [\n";
  for (size_t i = 0; i < noise.processes.size(); ++i) {
    std::string row;
    for (const Quad& quad : noise.processes[i]) {
      row += fmt::format("{}[{:.0f},{:.0f},{:.0f},{:.0f}]", row.empty() ? "" : ",", quad.a1 / kUnit, quad.b1 / kUnit,
                         quad.b2 / kUnit, quad.a2 / kUnit);
    }
    text += fmt::format("[{}]{}\n", row, i + 1 < noise.processes.size() ? "," : "");
  }
  return text + "]}\n";
}

Quad WithSidesSwapped(const Quad& quad) { return {.a1 = quad.b1, .b1 = quad.a1, .b2 = quad.a2, .a2 = quad.b2}; }

std::vector<Quad> RelativeToMedian(const std::vector<Quad>& quads) {
  std::vector<double> all;
  for (const Quad& quad : quads) all.insert(all.end(), {quad.a1, quad.b1, quad.b2, quad.a2});
  const double median = Median(std::move(all));
  std::vector<Quad> relative;
  for (const Quad& quad : quads) {
    relative.push_back({quad.a1 / median, quad.b1 / median, quad.b2 / median, quad.a2 / median});
  }
  return relative;
}

}  // namespace kopt
