// The oracle: input sets and their right answers, computed in a process that no candidate code enters.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "task/spec.h"
#include "verifier/core/compare.h"
#include "verifier/core/input_set.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/session.h"
#include "verifier/oracle/oracle_source.h"

namespace kopt {

// The right answer to an input set. Owns what a Truth refers to.
class Answer {
 public:
  struct Part {
    std::vector<double> value, variance;
    std::vector<long long> integer;
    std::vector<uint32_t> owner;  // sampled only
  };
  std::vector<Part> parts;  // by tensor number; outputs and inouts, else empty
  bool sampled = false;
  Truth truth(size_t tensor) const {
    return {parts[tensor].value, parts[tensor].variance, parts[tensor].integer, parts[tensor].owner};
  }
  size_t bytes() const;
};

class Oracle {
 public:
  struct Options {
    std::string worker;
    bool sandbox = true;
    int threads = 1;
  };
  // Compiles the spec's references. A text that does not compile is a usage error with the compiler's words.
  static Result<std::unique_ptr<Oracle>> Create(const Spec& spec, CompileService& compiler, const Options& options);

  Result<InputSet> Draw(const BoundTask& task, const SetRecipe& recipe);
  // The whole answer. Faults of the references (an element never written, or written twice, an index out of range, a
  // crash, no end) are usage errors with the reference's place.
  Result<Answer> Solve(const BoundTask& task, const InputSet& inputs);
  // The elements that `tuples` random index tuples compute; the whole answer where the spec does not allow sampling.
  Result<Answer> Sample(const BoundTask& task, const InputSet& inputs, long long tuples, uint64_t seed);
  // The accept predicate of a tensor: "" or why it refuses the storages (by tensor number) that a candidate left.
  Result<std::string> Refusal(const BoundTask& task, const InputSet& inputs, const Answer& answer, size_t tensor,
                              const std::vector<std::span<const std::byte>>& got);
  // Seconds of the last Solve.
  double seconds() const { return seconds_; }

 private:
  static constexpr int kSlots = 5;  // data, value, variance, owner, got: oracle_source.h
  struct Layout;
  Oracle(const Spec& spec, Options options) : spec_(spec), options_(std::move(options)) {}
  Result<void> StartSession();
  Result<Answer> Run(const BoundTask& task, const InputSet& inputs, const std::vector<long long>& tuples);
  Result<void> RunCode(const BoundTask& task, InputSet& set);
  void Begin(Layout& layout, const BoundTask& task, const InputSet& inputs, bool writable_inputs, bool results,
             const std::vector<std::span<const std::byte>>& got) const;
  Result<OracleControl> Finish(const Layout& layout, const BoundTask& task, const std::string& what);
  Result<Answer::Part> TakePart(const Layout& layout, const BoundTensor& bound, const std::array<int, kSlots>& slots,
                                bool sampled);
  Result<void> CheckEnd(const BatchEnd& end, const std::string& what) const;

  const Spec& spec_;
  Options options_;
  std::filesystem::path object_;
  std::unique_ptr<Session> session_;
  Arenas arenas_;
  double seconds_ = 0;
  double last_seconds_ = 0;
};

}  // namespace kopt
