#include "cli/calibration.h"

#include <fmt/format.h>

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr const char* kPeaksSpace = "calibration";
constexpr const char* kNoiseSpace = "noise";

Result<std::optional<ordered_json>> LoadJson(Store& store, std::string_view space, const std::string& device) {
  KOPT_TRY(const std::optional<std::string> text, store.Get(space, device));
  if (!text) return std::nullopt;
  ordered_json json = ordered_json::parse(*text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

double Number(const ordered_json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

std::string String(const ordered_json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

ordered_json Json(const Peaks& peaks) {
  ordered_json flops = ordered_json::object();
  for (const auto& [unit, rate] : peaks.flops) flops[unit] = rate;
  return {{"read_bytes", peaks.read_bytes},
          {"write_bytes", peaks.write_bytes},
          {"copy_bytes", peaks.copy_bytes},
          {"flops", flops}};
}

ordered_json Json(const std::optional<Calibration>& calibration) {
  if (!calibration) return nullptr;
  return {{"date", calibration->date}, {"peaks", Json(calibration->peaks)}};
}

ordered_json Json(const std::optional<NoiseFigure>& noise) {
  if (!noise) return nullptr;
  return {{"date", noise->date}, {"screening", noise->screening}, {"confirmation", noise->confirmation}};
}

Peaks PeaksOf(const ordered_json& json) {
  if (!json.is_object()) return {};
  Peaks peaks{.read_bytes = Number(json, "read_bytes"),
              .write_bytes = Number(json, "write_bytes"),
              .copy_bytes = Number(json, "copy_bytes")};
  if (json.contains("flops") && json.at("flops").is_object()) {
    for (const auto& [unit, rate] : json.at("flops").items()) {
      if (rate.is_number()) peaks.flops.emplace_back(unit, rate.get<double>());
    }
  }
  return peaks;
}

Result<std::optional<Calibration>> LoadCalibration(Store& store, const std::string& device) {
  KOPT_TRY(const std::optional<ordered_json> json, LoadJson(store, kPeaksSpace, device));
  if (!json || !json->contains("peaks") || !json->at("peaks").is_object()) return std::nullopt;
  return Calibration{.peaks = PeaksOf(json->at("peaks")), .date = String(*json, "date")};
}

Result<void> SaveCalibration(Store& store, const std::string& device, const Calibration& calibration) {
  return store.Put(kPeaksSpace, device, Json(std::optional(calibration)).dump());
}

Result<std::optional<NoiseFigure>> LoadNoise(Store& store, const std::string& device) {
  KOPT_TRY(const std::optional<ordered_json> json, LoadJson(store, kNoiseSpace, device));
  if (!json) return std::nullopt;
  return NoiseFigure{.screening = Number(*json, "screening"),
                     .confirmation = Number(*json, "confirmation"),
                     .date = String(*json, "date")};
}

Result<void> SaveNoise(Store& store, const std::string& device, const NoiseFigure& noise) {
  return store.Put(kNoiseSpace, device, Json(std::optional(noise)).dump());
}

std::string Text(const Peaks& peaks) {
  std::string text = fmt::format("read {:.1f} GB/s, write {:.1f} GB/s, copy {:.1f} GB/s", peaks.read_bytes / 1e9,
                                 peaks.write_bytes / 1e9, peaks.copy_bytes / 1e9);
  for (const auto& [unit, rate] : peaks.flops) text += fmt::format(", {} {:.1f} Gop/s", unit, rate / 1e9);
  return text;
}

}  // namespace kopt
