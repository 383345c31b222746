// What a run knows of its turns, and the prompt that follows from it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/asking.h"
#include "agent/judged.h"
#include "agent/turn.h"
#include "agent/window.h"
#include "prompts/prompt.h"
#include "verifier/core/verifier.h"

namespace kopt {

// The same turns and verdicts in the same order give the same prompts, byte for byte.
class Memory {
 public:
  // `device` and `peaks`: for what a prompt says of the device.
  Memory(const Spec& spec, Target target, const Device& device, const Peaks& peaks, const Asking& asking);

  // A turn as it was looked at; `turn` must outlive the memory. What was not judged yet is not shown.
  void Add(const Turn& turn);
  void Learn(const Judged& judged, bool confirmation);

  // The first turn with this code.
  std::optional<int> SameCode(const std::string& code_hash) const;

  // The prompt for turn `number`; `spent`: of the budget, 0 to 1. An error if the task alone is more than fits.
  Result<Prompt> Write(int number, std::optional<double> spent) const;

 private:
  struct Known {
    const Turn* turn = nullptr;
    std::optional<Judged> best;  // without samples: the highest reward, or what a confirmation found to be wrong
    int tried = 0;               // configurations
  };
  double RewardOf(const Known& known) const;
  ShownTurn Show(const Known& known) const;
  TurnSummary Summarise(const Known& known) const;
  void Forget();  // what the window knows; it is told anew

  Asking asking_;
  PromptInputs task_;  // what is the same in every prompt
  PromptLimits limits_;
  Window window_;
  std::map<int, Known> turns_;
  std::map<std::string, int> codes_;
};

// What a kernel has to fit, a line each: "THREADS = 2".
std::string DeviceFacts(const Device& device);
// The device's measured peaks, a line each; empty if none is known.
std::string DeviceDetails(const Peaks& peaks);

}  // namespace kopt
