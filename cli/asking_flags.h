// How a run asks for candidates, as flags and settings say.
#pragma once

#include <optional>
#include <string>

#include "agent/optimize.h"
#include "cli/context.h"
#include "cli/models.h"

namespace kopt {

// As given on the command line; empty: not given.
struct AskingFlags {
  ModelFlags model;
  std::string budget_tokens, budget_usd, parallel, strategy, top, reward, hint, prompt_tokens;
  bool external = false;
};

void AddAskingFlags(CLI::App& command, AskingFlags& flags);

// What holds where nobody says anything; nothing if the setting is none of these flags'.
std::optional<std::string> DefaultOfAsking(std::string_view setting);

// All but the models. Errors (exit 2) name the flag or setting.
Result<Asking> ReadAsking(const AskingFlags& flags, const Context& context);

// Makes the job ask `models`. An error (exit 2) if it asks somebody outside already, or has a budget of money for a
// model without a price.
Result<void> AskModels(Job& job, Models& models);
// The exit code of a run that ended with `exit`: 3 if what --record was to hold is incomplete, which stderr says.
int ExitWith(int exit, const Models& models, Context& context);

// The flags that repeat it, each after a space.
std::string AskingCommand(const Asking& asking);

}  // namespace kopt
