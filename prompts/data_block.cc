#include "prompts/data_block.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"

namespace kopt {
namespace {

std::string WithoutCarriageReturns(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' || !text.substr(at + 1).starts_with('\n')) result += text[at];
  }
  return result;
}

}  // namespace

std::string_view Prefix(std::string_view text, size_t most) {
  const auto continues = [&](size_t i) { return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80; };
  size_t end = std::min(text.size(), most);
  while (end > 0 && end < text.size() && continues(end)) --end;
  return text.substr(0, end);
}

std::string DataBlock(std::string_view text, std::string_view info, size_t most) {
  const std::string_view begin = Prefix(text, most);
  const std::string shown = Printable(WithoutCarriageReturns(begin));
  std::string content(Prefix(shown, most));
  const size_t cut = text.size() - begin.size() + shown.size() - content.size();
  if (!content.ends_with('\n')) content += '\n';
  if (cut > 0) content += fmt::format("[... {} bytes cut]\n", cut);
  const std::string fence = Fence(content, 3);
  return fmt::format("{}{}\n{}{}", fence, info, content, fence);
}

}  // namespace kopt
