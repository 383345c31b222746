// Text from elsewhere in a prompt: a block that its content cannot end, where every character can be seen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kopt {

// A fenced block of Markdown with `text` as Printable shows it, LF for CRLF, cut to `most` bytes with a mark that says
// how many more there were. The fence is longer than any run of backticks inside. Ends without a newline.
std::string DataBlock(std::string_view text, std::string_view info, size_t most);

// At most `most` bytes of `text`, never a part of a UTF-8 sequence.
std::string_view Prefix(std::string_view text, size_t most);

}  // namespace kopt
