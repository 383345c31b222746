// --devices: which of a target's devices a run uses.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/context.h"

namespace kopt {

// The numbers of `text`, "0,2" or "all", of which there are `count`, in their order. Errors (exit 2): what is no
// number, a device that is not there, one given twice.
Result<std::vector<int>> ParseDevices(const std::string& text, int count);

// What `settings` of a stored run name; empty: nothing.
std::string DevicesNamedIn(const nlohmann::ordered_json& settings);

// `otherwise`: what holds without the flag, for the help.
void AddDevicesFlag(CLI::App& command, CommonFlags& flags, const std::string& otherwise);

}  // namespace kopt
