// `--set NAME=VALUE`.
#pragma once

#include <string>
#include <vector>

#include "task/candidate.h"

namespace kopt {

// The defaults with these values in place; a name or a value that the candidate does not have is a usage error.
Result<Configuration> BindTunables(const Candidate& candidate, const std::vector<std::string>& set);

// For each candidate the same, with the names that it declares; one that none of them declares is a usage error.
Result<std::vector<Configuration>> BindTunablesOfAll(const std::vector<Candidate>& candidates,
                                                     const std::vector<std::string>& set);

}  // namespace kopt
