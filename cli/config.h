// Settings and where they come from: flags over KOPT_* of the environment over ~/.config/kopt/config.toml.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "llm_client/prices.h"

namespace kopt {

using Environment = std::function<std::optional<std::string>(const char* name)>;

struct Setting {
  std::string value;
  std::string source;  // "--budget", "KOPT_BUDGET", "/home/u/.config/kopt/config.toml:3"; "default"
};

class Config {
 public:
  // Every key of config.toml but `prices`; the environment's name is KOPT_ and the key in capitals, and for base_url
  // OPENAI_BASE_URL after that.
  static const std::vector<std::string>& Keys();

  // $XDG_CONFIG_HOME/kopt/config.toml or ~/.config/kopt/config.toml; empty if neither variable is set.
  static std::string DefaultFile(const Environment& environment);

  // A file that does not exist is an empty one. Errors (exit 2, with file and line): no TOML, an unknown key (with the
  // nearest valid one), a key of an API (which is never shown), a value that is neither text nor a number, prices that
  // are not what Prices needs.
  static Result<Config> Read(const Environment& environment);

  // The flag's value if it is not empty, else the environment's, else the file's; nothing if none is set.
  std::optional<Setting> Find(std::string_view key, const std::string& flag) const;

  // A variable of the environment that is no setting; nothing if it is not set, or empty.
  std::optional<Setting> Variable(const char* name) const;

  // Of the tables [prices."MODEL"].
  const Prices& prices() const { return prices_; }

  const std::string& file() const { return file_; }

 private:
  Environment environment_;
  std::string file_;
  std::map<std::string, Setting, std::less<>> values_;  // of the file
  Prices prices_;
};

}  // namespace kopt
