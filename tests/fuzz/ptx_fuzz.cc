// PTX in which a candidate's own assembly stands as it was written: warps made late.
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"
#include "verifier/cuda/late_warps.h"

namespace kopt {
namespace {

const std::string& Sleep() {
  static const std::string sleep = [] {
    const std::string_view barrier = "bar.sync 0;";
    std::string late = WithLateWarps(barrier);
    Require(late.ends_with(barrier) && late.size() > barrier.size(), "a sleep comes before a barrier");
    late.resize(late.size() - barrier.size());
    return late;
  }();
  return sleep;
}

// Where in the text without sleeps each of them was put.
std::vector<size_t> Places(std::string_view ptx) {
  const std::string late = WithLateWarps(ptx);
  std::string left;
  std::vector<size_t> places;
  for (size_t at = 0; at < late.size();) {
    const size_t end = std::min(late.find(Sleep(), at), late.size());
    left.append(late, at, end - at);
    if (end < late.size()) places.push_back(left.size());
    at = end + Sleep().size();
  }
  Require(left == ptx, "nothing else changes");
  return places;
}

// Comments as blanks, strings as letters, both as long as they were, with their lines.
std::string Plain(std::string_view ptx) {
  std::string plain(ptx);
  const auto cover = [&](size_t& at, size_t end, char with) {
    for (end = std::min(end, plain.size()); at < end; ++at) {
      if (plain[at] != '\n') plain[at] = with;
    }
  };
  const auto behind = [&](std::string_view what, size_t at) {
    const size_t found = ptx.find(what, at);
    return found == ptx.npos ? found : found + what.size();
  };
  for (size_t at = 0; at < plain.size();) {
    const std::string_view rest = ptx.substr(at);
    if (rest.starts_with("//")) {
      cover(at, ptx.find('\n', at), ' ');
    } else if (rest.starts_with("/*")) {
      cover(at, behind("*/", at + 2), ' ');
    } else if (rest.starts_with('"')) {
      const size_t end = std::min(behind("\"", at + 1), plain.size());
      cover(++at, end - 1, 'x');
      at = end;
    } else {
      ++at;
    }
  }
  return plain;
}

void Try(std::string_view ptx) {
  if (ptx.find(Sleep()) != ptx.npos) return;
  const std::vector<size_t> places = Places(ptx);
  const std::string plain = Plain(ptx);
  std::string statements = plain;  // without the colons of names
  for (size_t at = statements.find("::"); at != statements.npos; at = statements.find("::", at)) {
    statements.replace(at, 2, "__");
  }
  for (size_t place : places) {
    Require(plain[place] > ' ' && plain[place] != 'x', "a sleep comes before an instruction, never in a comment");
    // Only a directive may end with its line.
    const size_t before = place > 0 ? statements.find_last_of(";{}:", place - 1) + 1 : 0;  // npos + 1 is 0
    const size_t first = plain.find_first_not_of(" \t\r\n", before);
    Require(first == place || plain[first] == '.', "it begins a statement");
  }
  Require(Places(plain) == places, "comments and strings change nothing");
  // A barrier at the end, where no comment and no string is open, has its sleep.
  const std::string barrier = "\n;bar.sync 0;", longer = std::string(ptx) + barrier;
  if (Plain(longer).ends_with(barrier)) {
    const std::vector<size_t> more = Places(longer);
    Require(!more.empty() && more.back() == ptx.size() + 2, "a barrier has a sleep before it");
  }
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kopt::Try(kopt::TextOf(data, size));
  return 0;
}
