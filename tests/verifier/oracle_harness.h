// Compiles a spec's oracle with g++, loads it into this process, and runs it: for tests and benches only. kopt itself
// runs oracles in a sandboxed process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "task/spec.h"
#include "verifier/core/compare.h"
#include "verifier/oracle/oracle_source.h"

namespace kopt {

// Everything an oracle works on at one shape.
struct OracleData {
  struct Buffers {
    std::vector<std::byte> storage;  // inputs, inouts
    std::vector<double> value, variance;
    std::vector<long long> integer;
    std::vector<uint32_t> owner;
    std::vector<std::byte> got;
  };

  explicit OracleData(BoundTask bound);
  Truth TruthOf(size_t tensor) const;

  BoundTask task;
  std::vector<Buffers> tensors;
  std::vector<long long> dims;
  std::vector<uint64_t> scalars;
  std::vector<long long> tuples;
  OracleControl control;
};

class Oracle {
 public:
  // With `more` flags after OracleFlags. The error's log is the compiler's output.
  static Result<Oracle> Compile(const Spec& spec, const std::string& more = "");
  // From a text of one's own, which exports kopt_entry.
  static Result<Oracle> CompileText(const Spec& spec, const std::string& text, const std::string& more);

  // Fills inputs and scalars from `seed`, and runs input codes.
  Result<void> Fill(OracleData& data, uint64_t seed) const;
  // kOracleBegin and all references.
  void Run(OracleData& data) const;
  void Call(int function, OracleData& data) const;
  // What else the text exports; null: nothing of that name.
  void* Symbol(const char* name) const;

 private:
  explicit Oracle(const Spec& spec) : spec_(&spec) {}

  const Spec* spec_;
  std::unique_ptr<TemporaryFolder> folder_;
  void* library_ = nullptr;
  void (*entry_)(int, void* const*) = nullptr;
};

}  // namespace kopt
