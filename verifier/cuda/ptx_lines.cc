#include "verifier/cuda/ptx_lines.h"

#include <fmt/format.h>

#include <map>
#include <sstream>
#include <vector>

namespace kopt {
namespace {

constexpr std::string_view kPlace = "ptxas application ptx input, line ";

constexpr std::string_view kError = "; error   :";

struct Place {
  int file = 0, line = 0;
};

// By line of the PTX, from 1 on: where it comes from; 0: from nowhere that is known.
struct Origins {
  std::vector<Place> places{{}};
  std::map<int, std::string> files;
};

Origins OriginsOf(std::string_view ptx) {
  Origins origins;
  Place now;
  std::istringstream lines{std::string(ptx)};
  for (std::string text; std::getline(lines, text);) {
    std::istringstream words(text);
    std::string word;
    Place place;
    words >> word;
    if (word == ".loc" && words >> place.file >> place.line) {
      now = place;
    } else if (word == ".file" && words >> place.file) {
      const size_t begin = text.find('"'), end = text.rfind('"');
      if (begin != std::string::npos && end > begin) {
        const std::string path = text.substr(begin + 1, end - begin - 1);
        origins.files[place.file] = path.substr(path.rfind('/') + 1);  // the folder is the compiler's own
      }
    } else if (word == ".entry" || word == ".func" || word == ".visible") {
      now = {};
    }
    origins.places.push_back(now);
  }
  return origins;
}

}  // namespace

bool NamesPtxLines(std::string_view log) { return log.find(kPlace) != std::string_view::npos; }

std::string WithSourceLines(std::string_view log, std::string_view ptx) {
  const Origins origins = OriginsOf(ptx);
  std::string result;
  for (size_t at = log.find(kPlace); at != std::string_view::npos; at = log.find(kPlace)) {
    result += log.substr(0, at);
    log.remove_prefix(at + kPlace.size());
    const size_t digits = std::min(log.find_first_not_of("0123456789"), log.size());
    const std::string number(log.substr(0, digits));
    const size_t line = number.empty() || number.size() > 9 ? 0 : std::stoul(number);
    const Place place = line < origins.places.size() ? origins.places[line] : Place{};
    const auto file = origins.files.find(place.file);
    const bool known = place.line > 0 && file != origins.files.end();
    result += known ? fmt::format("{}({})", file->second, place.line) : fmt::format("{}{}", kPlace, number);
    log.remove_prefix(digits);
    if (!known || !log.starts_with(kError)) continue;
    result += ": error:";  // as the compiler writes it
    log.remove_prefix(kError.size());
  }
  return result.append(log);
}

}  // namespace kopt
