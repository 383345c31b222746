// Who else computes on a device, by the driver's management library (NVML), which is loaded at run time.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kopt {

// "GPU-5c1e0a5b-...", as the driver's tools write it. `uuid`: 32 hex digits; another text stays as it is.
inline std::string UuidText(const std::string& uuid) {
  if (uuid.size() != 32) return uuid;
  return "GPU-" + uuid.substr(0, 8) + "-" + uuid.substr(8, 4) + "-" + uuid.substr(12, 4) + "-" + uuid.substr(16, 4) +
         "-" + uuid.substr(20);
}

// Process ids, as the machine's outermost namespace has them; nothing where the library is missing or does not say.
// `uuid`: 32 hex digits.
std::optional<std::vector<unsigned>> ProcessesOn(const std::string& uuid);

}  // namespace kopt
