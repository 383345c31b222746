// A model's reply that says anything: where its candidate is, for both targets. What stands behind the first byte 0x1E
// is the reasoning.
#include "agent/reply.h"
#include "base/printable.h"
#include "tests/fuzz/fuzz.h"

namespace kopt {
namespace {

void Try(std::string_view reply, std::string_view reasoning, Target target) {
  const auto found = FindCandidate(reply, reasoning, target);
  if (!found) {
    Require(!found.error().empty() && found.error().size() < 4096, "a complaint is short");
    Require(ValidUtf8(found.error()) == found.error(), "a complaint is text");
    return;
  }
  const std::string& code = found->code;
  Require(!code.empty() && code.ends_with('\n'), "code ends with its last line");
  Require(ValidUtf8(code) == code && code.find('\0') == std::string::npos, "code is text");
  for (const std::string& note : found->notes) Require(!note.empty() && note.size() < 4096, "a note is short");
  // What was found once is found again, all by itself; but for code that ends a fence, or a thought.
  if (code.find("```") != std::string::npos || code.find("</think>") != std::string::npos) return;
  const auto again = FindCandidate("```cpp\n" + code + "```\n", "", target);
  Require(again.has_value(), "code in a fence is found");
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kopt;
  const std::string_view text = TextOf(data, size);
  const size_t end = std::min(text.find('\x1e'), text.size());
  const std::string_view reasoning = text.substr(std::min(end + 1, text.size()));
  for (const Target target : {Target::kCpu, Target::kCuda}) Try(text.substr(0, end), reasoning, target);
  return 0;
}
