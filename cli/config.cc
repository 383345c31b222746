#include "cli/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>

#include "base/files.h"
#include "task/nearest.h"

namespace kopt {
namespace {

std::string EnvironmentName(std::string_view key) {
  std::string name = "KOPT_";
  for (char c : key) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string FlagName(std::string_view key) {
  std::string name = "--" + std::string(key);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

Result<toml::table> ParseToml(const std::string& text, const std::string& file) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    const auto& begin = error.source().begin;
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = std::string(error.description()),
                                 .file = file,
                                 .line = static_cast<int>(begin.line),
                                 .column = static_cast<int>(begin.column)});
  }
}

std::optional<std::string> ScalarText(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return text;
  if (auto integer = node.value_exact<int64_t>()) return fmt::to_string(*integer);
  if (auto real = node.value_exact<double>()) return fmt::to_string(*real);
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& Config::Keys() {
  static const std::vector<std::string> kKeys = {"budget",   "cache_limit", "state",         "state_limit",
                                                 "strategy", "target",      "target_speedup"};
  return kKeys;
}

std::string Config::DefaultFile(const Environment& environment) {
  if (auto folder = environment("XDG_CONFIG_HOME"); folder && !folder->empty()) return *folder + "/kopt/config.toml";
  if (auto home = environment("HOME"); home && !home->empty()) return *home + "/.config/kopt/config.toml";
  return "";
}

Result<Config> Config::Read(const Environment& environment) {
  Config config;
  config.environment_ = environment;
  config.file_ = DefaultFile(environment);
  std::error_code error;
  if (config.file_.empty() || !std::filesystem::exists(config.file_, error)) return config;
  KOPT_TRY(const std::string text, ReadFile(config.file_, 1 << 20));
  KOPT_TRY(const toml::table table, ParseToml(text, config.file_));
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const int line = static_cast<int>(key.source().begin.line);
    const auto refuse = [&](std::string message, std::string hint) {
      return std::unexpected(Error{.exit = Exit::kUsage,
                                   .message = std::move(message),
                                   .file = config.file_,
                                   .line = line,
                                   .key = name,
                                   .hint = std::move(hint)});
    };
    if (std::find(Keys().begin(), Keys().end(), name) == Keys().end()) {
      return refuse(fmt::format("unknown key `{}`", name), NearestHint(name, Keys()));
    }
    const auto value = ScalarText(node);
    if (!value) return refuse(fmt::format("`{}` must be text or a number", name), "");
    config.values_[name] = {*value, fmt::format("{}:{}", config.file_, line)};
  }
  return config;
}

std::optional<Setting> Config::Find(std::string_view key, const std::string& flag) const {
  if (!flag.empty()) return Setting{flag, FlagName(key)};
  const std::string name = EnvironmentName(key);
  if (auto value = environment_(name.c_str()); value && !value->empty()) return Setting{*value, name};
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace kopt
