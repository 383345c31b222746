// The code blocks of a text in Markdown, as models write it: less strict than the standard.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kopt {

inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

struct CodeBlock {
  std::string info;      // the first word behind the opening fence, in lower case: "cpp", "python"
  std::string code;      // CleanCode of what the fences enclose
  bool escaped = false;  // it was HTML-escaped
  bool closed = false;   // false: the text, or the next block, began before a closing fence
  int line = 1;          // of the text, where the code begins
};

// Fences are three or more ` or ~ behind any indentation or the mark of a list. A fence with an info string begins a
// new block even where one is open. A block that does nothing but hold fenced blocks stands for these.
std::vector<CodeBlock> CodeBlocks(std::string_view text);

// Without a byte order mark, with LF for CRLF, without the indentation that all lines share, ending with a newline; if
// no `<`, `>` or lone `&` shows that it is not HTML-escaped and at least one `&lt;` or the like that it is, unescaped,
// and `escaped` is set.
std::string CleanCode(std::string_view text, bool& escaped);

std::string_view Trimmed(std::string_view text);  // without blanks at both ends
// The first line of `text`, which loses it: without its newline and a carriage return before that.
std::string_view TakeLine(std::string_view& text);

}  // namespace kopt
