// `verify --manifest FILE`.
#pragma once

#include <string>

#include "cli/context.h"

namespace kopt {

// Confirms the recorded configuration against the recorded baseline on the recorded input sets; spec, sources and
// arrays come from the state. Says what is not as it was then, and whether the figures agree. Exit code 0: correct.
Result<int> RunVerifyManifest(const std::string& file, Context& context);

}  // namespace kopt
