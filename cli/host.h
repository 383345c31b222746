// Where the program meets the outside: streams, environment, clock, signals, and the device side. Tests bring their
// own.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "agent/interrupts.h"
#include "base/clock.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {

// How candidates are judged on one target.
struct Backend {
  // On the device that the options name, as is `calibrate`.
  std::function<Result<std::unique_ptr<Verifier>>(const Spec&, VerifierOptions)> new_verifier;
  std::function<Result<Device>(int number)> device;  // errors (exit 3): what is missing
  std::function<Result<Peaks>(const VerifierOptions&)> calibrate;
  // Of a target that may have several devices, numbered from 0; null: it has one.
  std::function<Result<int>()> count_devices{};
  // One on each of these, which are of one model.
  std::function<Result<std::vector<std::unique_ptr<Verifier>>>(const Spec&, VerifierOptions, std::span<const int>)>
      new_verifiers{};
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
