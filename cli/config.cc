#include "cli/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

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

// Where in the file an error is.
class Place {
 public:
  Place(std::string file, const toml::key& key)
      : file_(std::move(file)), key_(key.str()), line_(static_cast<int>(key.source().begin.line)) {}

  const std::string& key() const { return key_; }
  std::string Text() const { return fmt::format("{}:{}", file_, line_); }
  std::unexpected<Error> Refuse(std::string message, std::string hint = "") const {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = std::move(message),
                                 .file = file_,
                                 .line = line_,
                                 .key = key_,
                                 .hint = std::move(hint)});
  }

 private:
  std::string file_, key_;
  int line_;
};

std::unexpected<Error> RefuseUnknown(const Place& place) {
  if (place.key().ends_with("key")) {
    return place.Refuse(fmt::format("`{}`: a key does not belong into this file, which others may read", place.key()),
                        "set OPENAI_API_KEY; or put the key alone into a file of mode 600, and its path here as "
                        "`api_key_file`");
  }
  std::vector<std::string> valid = Config::Keys();
  valid.emplace_back("prices");
  return place.Refuse(fmt::format("unknown key `{}`", place.key()), NearestHint(place.key(), valid));
}

Result<Price> ReadPrice(const std::string& file, const Place& model, const toml::table& table) {
  static const std::vector<std::string> kParts = {"prompt", "completion"};
  Price price;
  for (const auto& [key, node] : table) {
    const Place place(file, key);
    if (node.is_table()) {
      return place.Refuse(fmt::format("the price of `{}` holds a table", model.key()),
                          "write a name with dots in quotes: [prices.\"gpt-4.1\"]");
    }
    if (std::find(kParts.begin(), kParts.end(), place.key()) == kParts.end()) {
      return place.Refuse(fmt::format("unknown key `{}` in the price of `{}`", place.key(), model.key()),
                          NearestHint(place.key(), kParts));
    }
    const auto dollars = node.is_number() ? node.value<double>() : std::nullopt;
    if (!dollars || !std::isfinite(*dollars) || *dollars < 0) {
      return place.Refuse(fmt::format("`{}` of `{}` is no price", place.key(), model.key()),
                          "a number of US dollars per million tokens, 0 or more");
    }
    (place.key() == "prompt" ? price.prompt : price.completion) = *dollars;
  }
  for (const std::string& part : kParts) {
    if (table.contains(part)) continue;
    return model.Refuse(fmt::format("the price of `{}` lacks `{}`", model.key(), part),
                        "give both prompt and completion, in US dollars per million tokens");
  }
  return price;
}

Result<Prices> ReadPrices(const std::string& file, const Place& place, const toml::node& node) {
  constexpr const char* kHint = "write a table for each model: [prices.\"NAME\"] with prompt and completion";
  Prices prices;
  if (!node.is_table()) return place.Refuse("`prices` must be a table", kHint);
  for (const auto& [key, entry] : *node.as_table()) {
    const Place model(file, key);
    if (!entry.is_table()) return model.Refuse(fmt::format("the price of `{}` must be a table", model.key()), kHint);
    KOPT_TRY(prices[model.key()], ReadPrice(file, model, *entry.as_table()));
  }
  return prices;
}

}  // namespace

const std::vector<std::string>& Config::Keys() {
  static const std::vector<std::string> kKeys = {
      "api_key_file",   "base_url",    "budget",      "budget_tokens", "budget_usd",    "cache_limit",
      "idle_timeout",   "max_tokens",  "model",       "parallel",      "prompt_tokens", "reward",
      "search",         "state",       "state_limit", "strategy",      "target",        "target_sol",
      "target_speedup", "temperature", "top_w",       "total_timeout"};
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
    const Place place(config.file_, key);
    if (place.key() == "prices") {
      KOPT_TRY(config.prices_, ReadPrices(config.file_, place, node));
      continue;
    }
    if (std::find(Keys().begin(), Keys().end(), place.key()) == Keys().end()) return RefuseUnknown(place);
    const auto value = ScalarText(node);
    if (!value) {
      return place.Refuse(fmt::format("`{}` must be text or a number", place.key()),
                          place.key() == "model" ? "several models are one text: \"a, b\"" : "");
    }
    config.values_[place.key()] = {*value, place.Text()};
  }
  return config;
}

std::optional<Setting> Config::Find(std::string_view key, const std::string& flag) const {
  if (!flag.empty()) return Setting{flag, FlagName(key)};
  if (auto variable = Variable(EnvironmentName(key).c_str())) return variable;
  if (key == "base_url") {
    if (auto variable = Variable("OPENAI_BASE_URL")) return variable;
  }
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Setting> Config::Variable(const char* name) const {
  const auto value = environment_(name);
  return value && !value->empty() ? std::optional(Setting{*value, name}) : std::nullopt;
}

}  // namespace kopt
