// Proves at registration that a spec's check has power, on any target.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "verifier/core/input_set.h"
#include "verifier/core/power.h"

namespace kopt {

// The sets of one scored shape, as a target's oracle gives them.
class PowerSource {
 public:
  struct Set {
    std::vector<std::span<const std::byte>> storage;  // by tensor number; empty where none is read
    std::vector<Truth> truth;                         // by tensor number; of written tensors
    std::shared_ptr<const void> held;                 // what the views above look at
  };
  virtual ~PowerSource() = default;
  virtual const BoundTask& task() const = 0;
  // Set 0 or 1, with its whole answer.
  virtual Result<Set> Get(size_t index) = 0;
  // Set 0 with one input or one scalar drawn anew (the other is -1); nothing if that changes no byte: it never varies.
  virtual Result<std::optional<Set>> Redrawn(int tensor, int scalar) = 0;
  // Why the accept predicate of `output` refuses these storages (by tensor number); empty if it does not.
  virtual Result<std::string> Refusal(const Set& set, size_t output,
                                      const std::vector<std::span<const std::byte>>& got) = 0;
  virtual double oracle_seconds() const = 0;  // of the last whole answer
};

// `sources`: one a scored shape, in order. `interrupted` ends the work early. A spec whose check has no power is a
// usage error with the table as its log.
Result<Registration> ProvePower(std::span<PowerSource* const> sources,
                                const std::function<Result<void>()>& interrupted);

}  // namespace kopt
