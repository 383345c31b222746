// The prompt of a turn, from the texts in prompts/templates.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "prompts/knowledge.h"
#include "task/target.h"

namespace kopt {

// A turn as a prompt shows it. Texts may hold anything: they become blocks of data.
struct ShownTurn {
  int number = 0;
  double reward = 0;
  std::string code;     // empty: the reply held none
  std::string verdict;  // what the verifier found, or what was missing in the reply; without the compiler's log
  std::string facts;    // of the profile, a line each
  std::string log;      // of the compiler, all of it
};

struct PromptInputs {
  Target target = Target::kCpu;
  Knowledge knowledge;               // of the device's architecture
  std::string spec;                  // the task's file as it was written
  std::string device;                // its name
  std::string device_facts;          // what a kernel has to fit, a line each
  std::string device_details;        // more about it that helps, but can be missed
  std::string hint;                  // the user's
  std::vector<ShownTurn> turns;      // in the order in which they are shown
  std::optional<ShownTurn> failure;  // the newest, if it is newer than all of these
  int turn = 1;                      // the turn that is asked for
  std::optional<double> spent;       // of the budget, 0 to 1
};

// In bytes of a part as it is shown, but for the tokens.
struct PromptLimits {
  long long tokens = 64'000;     // of system and user text together
  double bytes_per_token = 3.2;  // as measured at the endpoint
  size_t code = 65'536;          // of one turn, as are these:
  size_t verdict = 2'000;
  size_t facts = 4'000;
  size_t log = 4'000;
  size_t device = 1'000;  // name and facts
  size_t device_details = 3'000;
  size_t hint = 4'000;
};

struct Prompt {
  std::string system;      // the same for all turns of a target and an architecture, unless knowledge was cut
  std::string user;        // the first prompt, or one that improves on turns, or one that repairs a failure
  std::vector<int> shown;  // the numbers of the turns in it, the failure last
  long long tokens = 0;    // estimated
};

// At least 1 for a text that is not empty; rounded up. What is no number above 0 counts as 3.2.
long long EstimateTokens(size_t bytes, double bytes_per_token = 3.2);
long long EstimateTokens(std::string_view text, double bytes_per_token = 3.2);

// The same inputs give the same prompt, byte by byte. What does not fit `limits.tokens` is left out in this order,
// until the rest fits:
//   1. turns, from the lowest reward up (of equal ones the older first): profile facts, log, then the whole turn. What
//      is known of the best turn is worth more than the code of the last one;
//   2. the device's details;
//   3. what is known of its architecture: the example, then the text, each as a whole;
//   4. the failure's facts, its log, then the failure;
//   5. the device's name and facts;
//   6. the hint.
// Without turns and failure it is the first prompt. The task and the plan language stay: if these alone are more than
// the limit, the error (usage) says by how much.
Result<Prompt> WritePrompt(const PromptInputs& inputs, const PromptLimits& limits = {});

}  // namespace kopt
