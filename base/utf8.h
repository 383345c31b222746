// Text that others wrote, made safe to show and to store.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

// Tabs and newlines stay, other control characters become \xNN, characters that turn the direction of writing or end a
// line \uNNNN, invalid UTF-8 becomes '?'.
std::string Printable(std::string_view text);

// Every byte that is not part of a character becomes U+FFFD; the rest stays as it is.
std::string ValidUtf8(std::string_view text);

}  // namespace kopt
