// A folder of results by what decided them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace kopt {

// Each entry is one file that holds its whole key and its text: a hash alone could be made to collide. Several
// processes may use one folder. What was used last is what TrimFolder keeps longest.
class ContentCache {
 public:
  ContentCache() = default;  // keeps nothing
  // Creates the folder. Errors (exit 3): it cannot be.
  static Result<ContentCache> Open(const std::filesystem::path& folder);
  std::optional<std::string> Find(std::string_view key) const;
  // Errors are those of writing.
  Result<void> Put(std::string_view key, std::string_view text) const;

 private:
  std::filesystem::path PathOf(std::string_view key) const;
  std::filesystem::path folder_;
};

}  // namespace kopt
