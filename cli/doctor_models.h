// What `kopt doctor` finds out about the model that a run would ask.
#pragma once

#include <string>
#include <vector>

#include "cli/models.h"

namespace kopt {

struct Finding {
  std::string name;
  std::string state;  // "ok", "note" (works, with less), "missing" (candidates cannot be judged, no model can be asked)
  std::string text;
  std::string hint;
};

// The endpoint, and each model with its price. With `ask` each model is asked one small question, and what it does not
// answer is missing; without, only settings are looked at. Errors (exit 130): interrupted.
Result<std::vector<Finding>> LookAtModels(const ModelFlags& flags, Context& context, bool ask);

// A setting for everybody to see: a URL or a path that may be a secret in the wrong place is not shown.
std::string ShownValue(const std::string& key, const Setting& setting);

}  // namespace kopt
