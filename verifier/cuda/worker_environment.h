// What a device worker gets to know of the user's environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kopt {

// By its name, a variable that holds a secret: it ends in KEY, TOKEN, SECRET or PASSWORD, in capitals or not.
bool NamesSecret(std::string_view variable);

// "NAME=value" for a worker of a process with the variables `all` (as `environ`: ends with a null pointer): which
// devices there are and where their driver lies; with KOPT_WORKER_ENVIRONMENT set, everything but secrets.
std::vector<std::string> WorkerEnvironment(const char* const* all);

}  // namespace kopt
