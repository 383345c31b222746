#include "base/error.h"

namespace kopt {

std::string Error::Text() const {
  std::string text;
  if (!file.empty()) {
    text += file;
    if (line > 0) text += fmt::format(":{}", line);
    if (line > 0 && column > 0) text += fmt::format(":{}", column);
    text += ": ";
  }
  text += message;
  if (!key.empty() && message.find(key) == std::string::npos) text += fmt::format(" (at `{}`)", key);
  if (!hint.empty()) text += "; " + hint;
  return text;
}

}  // namespace kopt
