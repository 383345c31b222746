#include "prompts/knowledge.h"

#include <algorithm>

namespace kopt {

extern const std::string_view kHopperText, kHopperExample;

Knowledge KnowledgeOf(std::string_view architecture) {
  struct Known {
    std::string_view architecture;
    Knowledge knowledge;
  };
  const Known all[] = {
      {"sm_90a", {.text = kHopperText, .example = kHopperExample}},
  };
  const auto* found = std::ranges::find(all, architecture, &Known::architecture);
  return found == std::end(all) ? Knowledge{} : found->knowledge;
}

}  // namespace kopt
