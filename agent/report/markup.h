// Elements of HTML and SVG.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace kopt {

// Text as it may stand in an element or in a quoted attribute; Printable.
std::string Escaped(std::string_view text);

using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// <tag name="value">content</tag>; values are escaped, `content` is markup.
std::string Element(std::string_view tag, Attributes attributes, std::string_view content);
// <tag name="value"/>, for SVG.
std::string Element(std::string_view tag, Attributes attributes);

}  // namespace kopt
