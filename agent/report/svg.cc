#include "agent/report/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "agent/report/markup.h"
#include "base/printable.h"

namespace kopt {

std::string Svg(const Picture& picture, std::string_view content) {
  const std::string title = picture.id + "-title", description = picture.id + "-description";
  const std::string body = fmt::format("\n{}\n{}\n{}", Element("title", {{"id", title}}, Escaped(picture.title)),
                                       Element("desc", {{"id", description}}, Escaped(picture.description)), content);
  return Element("svg",
                 {{"xmlns", "http://www.w3.org/2000/svg"},
                  {"viewBox", fmt::format("0 0 {} {}", Coordinate(picture.width), Coordinate(picture.height))},
                  {"role", "img"},
                  {"aria-labelledby", title + " " + description}},
                 body);
}

std::string Coordinate(double value) {
  const double tenths = std::round(10 * value);
  return fmt::format("{}", tenths == 0 ? 0.0 : tenths / 10);
}

std::string SvgText(double x, double y, std::string_view style, std::string_view text) {
  return Element("text", {{"x", Coordinate(x)}, {"y", Coordinate(y)}, {"class", style}}, Escaped(text)) + "\n";
}

std::string SvgPath(std::string_view style, std::string_view path, std::string_view tip) {
  if (tip.empty()) return Element("path", {{"class", style}, {"d", path}}) + "\n";
  return Element("path", {{"class", style}, {"d", path}}, Element("title", {}, Escaped(tip))) + "\n";
}

std::string MoveTo(double x, double y) { return fmt::format("M{} {}", Coordinate(x), Coordinate(y)); }

std::string Shortened(std::string_view text, size_t most) {
  const std::string printable = Printable(text);
  size_t characters = 0, cut = 0;
  for (size_t i = 0; i < printable.size(); ++i) {
    if ((printable[i] & 0xc0) == 0x80) continue;
    if (++characters == most) cut = i;
  }
  return characters <= most ? printable : printable.substr(0, cut) + "…";
}

}  // namespace kopt
