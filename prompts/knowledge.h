// What we know of an architecture, for the system text of prompts.
#pragma once

#include <string_view>

namespace kopt {

struct Knowledge {
  std::string_view text;     // Markdown with headings of its own: ## and below
  std::string_view example;  // a candidate that shows it
};

// Of a GPU by the compiler's name for its architecture ("sm_90a"). Empty where nothing has been written.
Knowledge KnowledgeOf(std::string_view architecture);

}  // namespace kopt
