// The candidate in a model's reply.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "task/target.h"

namespace kopt {

struct FoundCandidate {
  std::string code;                // as the model wrote it: LF line ends, valid UTF-8
  std::vector<std::string> notes;  // what there is to say of how it was found; a phrase each, for people and the model
};

// Finds the candidate wherever it stands: the last fenced block that holds a `//@ launch` or `//@ call` line, else the
// last with any `//@` line; without fences, the text from its first line of code to its last. `reasoning` is looked at
// only if the reply holds no code at all. Whether the plan is right is ParseCandidate's to say.
//
// The error is a complaint for the model, one or two sentences: there is no code; it is another language, which is
// named; it has no `//@` line, with the line that is needed; it has zero bytes or is not UTF-8, with the place. What it
// quotes of the reply are names only.
//
// Linear in the length of both texts.
std::expected<FoundCandidate, std::string> FindCandidate(std::string_view reply, std::string_view reasoning,
                                                         Target target);

}  // namespace kopt
