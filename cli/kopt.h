// The program, apart from the outside world.
#pragma once

#include <string>
#include <vector>

#include "cli/host.h"

namespace kopt {

// Runs one command line (without the program's name); returns the exit code: 0 done (optimize: improved; verify:
// correct), 1 done but not so, 2 usage or a bad spec, 3 environment, 4 a failure of kopt, 130 interrupted.
int RunKopt(const std::vector<std::string>& arguments, Host& host);

}  // namespace kopt
