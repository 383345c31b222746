// What a candidate runs on.
#pragma once

#include <optional>
#include <string_view>

namespace kopt {

enum class Target { kCpu, kCuda };
std::string_view Name(Target target);
std::optional<Target> ParseTarget(std::string_view name);

}  // namespace kopt
