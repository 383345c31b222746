// What the compiler of a target makes of a candidate: two texts of the same code are the same kernel.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "task/candidate.h"
#include "verifier/core/verifier.h"

namespace kopt {

class CodeMaker {
 public:
  virtual ~CodeMaker() = default;
  // A digest of the code for all shapes of the spec; nothing where a rule or the compiler refuses it. Several threads
  // may call this.
  virtual Result<std::optional<std::string>> Code(const Candidate& candidate, const Configuration& configuration) = 0;
};

// `options.cache` is that of the verifier, which then finds what was compiled. On cuda for "sm_90a", without a device.
// Lives in the thread that makes it.
Result<std::unique_ptr<CodeMaker>> NewCodeMaker(const Spec& spec, Target target, const VerifierOptions& options);

}  // namespace kopt
