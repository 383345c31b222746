#include "agent/report/markup.h"

#include "base/printable.h"

namespace kopt {
namespace {

std::string Open(std::string_view tag, Attributes attributes) {
  std::string text = "<";
  text += tag;
  for (const auto& [name, value] : attributes) {
    text += ' ';
    text += name;
    text += "=\"" + Escaped(value) + '"';
  }
  return text;
}

}  // namespace

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (char c : Printable(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string Element(std::string_view tag, Attributes attributes, std::string_view content) {
  std::string text = Open(tag, attributes);
  text += '>';
  text += content;
  text += "</";
  text += tag;
  return text + '>';
}

std::string Element(std::string_view tag, Attributes attributes) { return Open(tag, attributes) + "/>"; }

}  // namespace kopt
