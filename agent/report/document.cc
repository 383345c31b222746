#include "agent/report/document.h"

#include <iterator>
#include <utility>

namespace kopt {

Prose& Prose::operator+=(Prose more) {
  parts.insert(parts.end(), std::make_move_iterator(more.parts.begin()), std::make_move_iterator(more.parts.end()));
  return *this;
}

Prose operator+(Prose left, Prose right) {
  left += std::move(right);
  return left;
}

Prose Code(std::string text) {
  Prose prose;
  prose.parts.push_back({Inline::Kind::kCode, std::move(text)});
  return prose;
}

}  // namespace kopt
