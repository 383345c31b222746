// Who else computes on a device, by the driver's management library (NVML), which is loaded at run time.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kopt {

// Process ids, as the machine's outermost namespace has them; nothing where the library is missing or does not say.
// `uuid`: 32 hex digits.
std::optional<std::vector<unsigned>> ProcessesOn(const std::string& uuid);

}  // namespace kopt
