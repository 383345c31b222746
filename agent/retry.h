// A failure of kopt itself is no verdict: the work is done again, twice at most.
#pragma once

#include <functional>

#include "base/error.h"

namespace kopt {

inline constexpr int kAttempts = 3;

// Calls `work` (which gives a Result) until it does not end in a failure of kopt's own. `fault` hears of every failure
// that is followed by another attempt.
template <class Work>
auto WithRetries(const Work& work, const std::function<void(const Error&)>& fault = nullptr) {
  for (int attempt = 1;; ++attempt) {
    auto result = work();
    if (result || result.error().exit != Exit::kInternal || attempt == kAttempts) return result;
    if (fault) fault(result.error());
  }
}

}  // namespace kopt
