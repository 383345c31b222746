// The files that `kopt init` writes, and the small task behind the noise figure of `kopt doctor`.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

// `name`: the task's name, an identifier.
std::string InitSpec(std::string_view name);
std::string InitSeed(std::string_view name);
std::string InitBaseline(std::string_view name);

}  // namespace kopt
