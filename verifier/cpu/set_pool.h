// The input sets of one shape with their right answers, drawn as they are needed, each from a seed nobody knows.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "verifier/cpu/oracle.h"

namespace kopt {

// What an output or scratch holds before a call; drawn in secret.
enum class Poison { kNan, kOnes, kRandom, kForeign, kForeignComplement };
inline constexpr int kPoisonCount = 5;
std::string_view Name(Poison poison);

class SetPool {
 public:
  struct Entry {
    InputSet inputs;
    Answer answer;
  };

  SetPool(Oracle& oracle, const BoundTask& task, bool timed, SetSeeds seeds);

  const BoundTask& task() const { return task_; }
  bool timed() const { return timed_; }
  // Set `index`, with its whole answer. The reference stays valid.
  Result<const Entry*> Get(size_t index);
  // Set 0 with one input, or one scalar, drawn anew. Nothing if that changes no byte: it never varies.
  Result<std::optional<Entry>> RedrawnTensor(size_t tensor);
  Result<std::optional<Entry>> RedrawnScalar(size_t scalar);
  // A set nobody has used, its answer sampled at 2048 index tuples where the spec allows it. Replaces the last one.
  Result<const Entry*> Fresh();
  size_t size() const { return entries_.size(); }  // sets drawn so far
  size_t check_count() const { return CheckSetCount(task_); }
  // How many sets a timed batch may have: 64, 1 GiB of memory, and about 10 s of oracle time.
  Result<size_t> Most(size_t scratch_bytes);

  // A storage's worth of poison for a written tensor. The reference stays valid.
  Result<const std::vector<std::byte>*> PoisonFor(size_t tensor, Poison poison);

 private:
  Result<Entry> Make(const SetRecipe& recipe);
  Result<std::optional<Entry>> Redrawn(const SetRecipe& recipe);
  Oracle& oracle_;
  const BoundTask& task_;
  bool timed_;
  SetSeeds seeds_;
  std::deque<Entry> entries_;
  std::optional<Entry> fresh_;
  std::optional<Answer> foreign_;
  std::map<std::pair<size_t, Poison>, std::vector<std::byte>> poison_;
};

}  // namespace kopt
