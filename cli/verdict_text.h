// A verdict as `verify` prints it.
#pragma once

#include <string>

#include "verifier/core/verdict.h"

namespace kopt {

// `baseline`: what the speedup is against.
std::string VerdictText(const Verdict& verdict, const std::string& baseline);

// What --compile-only prints.
std::string CompiledText(const Verdict& verdict, const std::string& architecture);

}  // namespace kopt
