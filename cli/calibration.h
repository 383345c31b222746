// What is known of this machine and outlives a run: its peaks, and the smallest difference it can resolve. Kept in the
// store by device name.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "store/store.h"
#include "verifier/core/verifier.h"

namespace kopt {

struct Calibration {
  Peaks peaks;
  std::string date;  // ISO 8601, UTC
};

// Of an A/A comparison: a small task's seed against itself.
struct NoiseFigure {
  double screening = 0;     // smallest difference, a fraction, in one screening
  double confirmation = 0;  // the same in three processes of kConfirmationQuads each
  std::string date;
};
inline constexpr int kConfirmationQuads = 24;

nlohmann::ordered_json Json(const Peaks& peaks);
// Read back; what is no number is 0.
Peaks PeaksOf(const nlohmann::ordered_json& json);
nlohmann::ordered_json Json(const std::optional<Calibration>& calibration);  // null if there is none
nlohmann::ordered_json Json(const std::optional<NoiseFigure>& noise);

// A stored text that cannot be read counts as none.
Result<std::optional<Calibration>> LoadCalibration(Store& store, const std::string& device);
Result<void> SaveCalibration(Store& store, const std::string& device, const Calibration& calibration);
Result<std::optional<NoiseFigure>> LoadNoise(Store& store, const std::string& device);
Result<void> SaveNoise(Store& store, const std::string& device, const NoiseFigure& noise);

// "read 21.3 GB/s, write 10.1 GB/s, copy 14.0 GB/s, f32 85.2 Gop/s".
std::string Text(const Peaks& peaks);

}  // namespace kopt
