// Problems found in a spec file: all are collected, the first by position is reported.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "task/spec.h"

namespace kopt {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  // Without a line (0): a problem of the whole file, reported at line 1, after all others.
  void Add(Position position, std::string message, std::string key, std::string hint = "");
  // An error that knows its column within a text which begins at `start`, and perhaps its key; `prefix` says of what.
  void AddWithin(Position start, const std::string& prefix, const Error& error, std::string key);

  int count() const { return count_; }
  const std::optional<Error>& first() const { return first_; }

 private:
  std::string file_;
  int count_ = 0;
  std::optional<Error> first_;
  std::pair<int, int> first_at_;
};

}  // namespace kopt
