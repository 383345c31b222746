// Fills the templates.
#pragma once

#include "prompts/prompt.h"

namespace kopt {

// The prompt for inputs whose texts are blocks already; empty ones are left out. `shown` and `tokens` stay empty. An
// error means that a template is broken.
Result<Prompt> RenderPrompt(const PromptInputs& parts);

}  // namespace kopt
