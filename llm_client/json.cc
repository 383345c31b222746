#include "llm_client/json.h"

#include <charconv>

#include "base/printable.h"

namespace kopt {
namespace {

using nlohmann::json;

// Values are walked by recursion: what is nested deeper than any answer is left out.
constexpr int kDeepest = 64;

json ParseShallow(std::string_view text) {
  const auto keep = [](int depth, json::parse_event_t, const json&) { return depth <= kDeepest; };
  return json::parse(text, keep, false);
}

// The number in \uXXXX at `at`; -1 if something else is there.
int EscapedUnit(const std::string& text, size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = -1;
  const char* end = text.data() + at + 6;
  const auto read = std::from_chars(text.data() + at + 2, end, unit, 16);
  return read.ec == std::errc() && read.ptr == end ? unit : -1;
}

// Servers that cut a reply into pieces between UTF-16 units send halves.
std::string WithoutLoneSurrogates(std::string text) {
  const auto is_half = [](int unit, int first) { return unit >= first && unit < first + 0x400; };
  for (size_t i = text.find('\\'); i < text.size(); i = text.find('\\', i)) {
    const int unit = EscapedUnit(text, i);
    const bool pair = is_half(unit, 0xd800) && is_half(EscapedUnit(text, i + 6), 0xdc00);
    if (!pair && (is_half(unit, 0xd800) || is_half(unit, 0xdc00))) text.replace(i + 2, 4, "fffd");
    i += pair ? 12 : unit >= 0 ? 6 : 2;
  }
  return text;
}

}  // namespace

json ParseJson(std::string_view text) {
  json value = ParseShallow(text);
  if (!value.is_discarded()) return value;
  return ParseShallow(WithoutLoneSurrogates(ValidUtf8(text)));
}

std::string TextAt(const json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string DumpJson(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace kopt
