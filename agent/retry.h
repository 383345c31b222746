// A failure of kopt itself is no verdict: the work is done again, twice at most.
#pragma once

#include <functional>
#include <utility>

#include "base/error.h"
#include "verifier/core/verdict.h"

namespace kopt {

inline constexpr int kAttempts = 3;

// `fault` hears of every failure that is followed by another attempt.
inline Result<Verdict> WithRetries(const std::function<Result<Verdict>()>& work,
                                   const std::function<void(const Error&)>& fault = nullptr) {
  for (int attempt = 1;; ++attempt) {
    Result<Verdict> verdict = work();
    if (verdict || verdict.error().exit != Exit::kInternal || attempt == kAttempts) return verdict;
    if (fault) fault(verdict.error());
  }
}

}  // namespace kopt
