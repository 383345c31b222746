// Why a batch that did not end well is refused.
#pragma once

#include "verifier/core/judged.h"
#include "verifier/cpu/session.h"

namespace kopt {

// Without what it was about. `seconds`: what it was given.
Refusal RefusalOf(const BatchEnd& end, Stage stage, double seconds);

}  // namespace kopt
