// `--set NAME=VALUE`.
#pragma once

#include <string>
#include <vector>

#include "task/candidate.h"

namespace kopt {

// The defaults with these values in place; a name or a value that the candidate does not have is a usage error.
Result<Configuration> BindTunables(const Candidate& candidate, const std::vector<std::string>& set);

// The same, but names that the candidate does not have are left out.
Result<Configuration> BindKnownTunables(const Candidate& candidate, const std::vector<std::string>& set);

}  // namespace kopt
