#include "cli/devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace kopt {
namespace {

std::unexpected<Error> Refuse(std::string message, std::string hint) {
  return std::unexpected(
      Error{.exit = Exit::kUsage, .message = std::move(message), .key = "--devices", .hint = std::move(hint)});
}

}  // namespace

Result<std::vector<int>> ParseDevices(const std::string& text, int count) {
  std::vector<int> devices;
  if (text == "all") {
    devices.resize(static_cast<size_t>(count));
    std::iota(devices.begin(), devices.end(), 0);
    return devices;
  }
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    int number = -1;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || stop != word.data() + word.size() || number < 0) {
      return Refuse(fmt::format("`{}` is no device", word), "numbers with commas between them, `0,1`; or `all`");
    }
    if (number >= count) {
      return Refuse(fmt::format("there is no device {}: {} {} there", number, count, count == 1 ? "is" : "are"),
                    "they are numbered from 0, as the driver shows them: CUDA_VISIBLE_DEVICES chooses which");
    }
    if (std::ranges::count(devices, number) > 0) {
      return Refuse(fmt::format("device {} is given twice", number), "name each device once");
    }
    devices.push_back(number);
  }
  return devices;
}

std::string DevicesNamedIn(const nlohmann::ordered_json& settings) {
  const nlohmann::ordered_json::json_pointer named("/devices/named");
  if (!settings.is_object() || !settings.contains(named) || !settings.at(named).is_string()) return "";
  return settings.at(named).get<std::string>();
}

void AddDevicesFlag(CLI::App& command, CommonFlags& flags, const std::string& otherwise) {
  command
      .add_option("--devices", flags.devices,
                  fmt::format("cuda: spread the run over these, of one model: 0,1 or all (default: {})", otherwise))
      ->type_name("LIST");
}

}  // namespace kopt
