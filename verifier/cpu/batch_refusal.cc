#include "verifier/cpu/batch_refusal.h"

#include <cstring>

#include "verifier/sandbox/sandbox.h"

namespace kopt {
namespace {

constexpr size_t kPrintedShown = 400;  // bytes of a candidate's output that evidence quotes

}  // namespace

Refusal RefusalOf(const BatchEnd& end, Stage stage, double seconds) {
  Refusal refusal{.outcome = Outcome::kCrashed, .stage = stage};
  if (!end.printed.empty()) refusal.evidence["printed"] = end.printed.substr(0, kPrintedShown);
  switch (end.kind) {
    case BatchEnd::Kind::kTimeout:
      refusal.outcome = Outcome::kTimeout;
      refusal.reason = fmt::format("it did not end within {:.2f} s", seconds);
      break;
    case BatchEnd::Kind::kForbidden:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = end.number >= 0
                           ? fmt::format("it made the forbidden system call {}", sandbox::SystemCallName(end.number))
                           : "it made a forbidden system call";
      break;
    case BatchEnd::Kind::kFlood:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = fmt::format("it printed more than {} bytes", kMostOutput);
      break;
    case BatchEnd::Kind::kStray:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = "it left a thread or a process behind";
      break;
    case BatchEnd::Kind::kForged:
      refusal.outcome = Outcome::kUnsafe;
      refusal.reason = "it interfered with the worker: messages or filters that are not the worker's own";
      break;
    case BatchEnd::Kind::kNoSetup:
      refusal.outcome = Outcome::kLaunchError;
      refusal.reason = "its process cannot be set up: " + end.printed;
      break;
    case BatchEnd::Kind::kExited:
      refusal.reason = fmt::format("it ended the process itself, with status {}", end.number);
      break;
    default:
      refusal.reason = fmt::format("it was ended by signal {} ({})", end.number, strsignal(end.number));
  }
  return refusal;
}

}  // namespace kopt
