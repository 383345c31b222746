// Where the program meets the outside: streams, environment, clock, signals, and the device side. Tests bring their
// own.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "agent/interrupts.h"
#include "base/clock.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {

// How candidates are judged on one target.
struct Backend {
  std::function<Result<std::unique_ptr<Verifier>>(const Spec&, VerifierOptions)> new_verifier;
  std::function<Result<Device>()> device;  // errors (exit 3): what is missing
  std::function<Result<Peaks>(const VerifierOptions&)> calibrate;
};

struct Host {
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false, err_is_terminal = false;
  int columns = 80;  // of the terminal
  Clock& clock;
  Interrupts& interrupts;
  std::function<std::optional<std::string>(const char* name)> environment;
  std::filesystem::path worker;  // the cpu target's worker, beside the program

  std::map<Target, Backend> backends;
  std::function<SandboxState()> sandbox;
  std::function<Result<Compiler>()> compiler;
};

}  // namespace kopt
