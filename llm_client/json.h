// JSON from servers that do not write it quite as they should. Private to llm_client/.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace kopt {

// Invalid UTF-8 and halves of surrogate pairs become U+FFFD; what is nested deeper than 64 is left out. The result
// is_discarded() if `text` is no JSON even so.
nlohmann::json ParseJson(std::string_view text);

// The string under `key`; empty if `object` is no object, or holds something else there.
std::string TextAt(const nlohmann::json& object, const char* key);

// On one line; never throws, whatever the strings in it are.
std::string DumpJson(const nlohmann::json& value);

}  // namespace kopt
