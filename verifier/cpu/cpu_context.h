// What all judgements of one verifier share.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/lane.h"
#include "task/candidate.h"
#include "verifier/core/verifier.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/oracle.h"
#include "verifier/cpu/session.h"

namespace kopt {

struct CpuContext {
  const Spec& spec;
  VerifierOptions options;
  Device device;
  std::string worker;
  int threads = 1;
  CompileService compiler;
  Arenas arenas;
  Lane lane;
  std::unique_ptr<Oracle> oracle;
  std::unique_ptr<Session> empty;  // an object of kopt's own that does nothing, with OpenMP
  std::filesystem::path empty_object;
  int bandwidths_measured = 0;  // again, because of a verdict too good to be believed
};

// A worker that has loaded kopt's own empty object; started again if it has ended.
Result<Session*> EmptySession(CpuContext& context);

}  // namespace kopt
