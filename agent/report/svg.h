// Parts of the pictures of a report. Their looks are classes of report.css.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

struct Picture {
  std::string id;           // distinct in a document
  std::string title;        // what it is
  std::string description;  // what it shows, in words
  double width = 760, height = 0;
};

// The whole picture; `content` is markup.
std::string Svg(const Picture& picture, std::string_view content);

// A coordinate: one decimal, no needless zeros.
std::string Coordinate(double value);
// Words at a point. `style`: classes, for example "soft end".
std::string SvgText(double x, double y, std::string_view style, std::string_view text);
// A path; `tip`, if not empty, is shown when a pointer rests on it.
std::string SvgPath(std::string_view style, std::string_view path, std::string_view tip = "");
// "M1.5 2".
std::string MoveTo(double x, double y);

// At most `most` characters, the last one an ellipsis where text was cut.
std::string Shortened(std::string_view text, size_t most);

}  // namespace kopt
