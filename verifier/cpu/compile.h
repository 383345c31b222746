// The compiler, in a process of its own: empty environment, only the toolchain's folders readable, limits on time,
// memory, files and log. Objects are cached by content.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "verifier/cpu/cpu_verifier.h"

namespace kopt {

struct CompileUnit {
  std::string name;  // file name in messages and on disk: "candidate.cpp"
  std::string text;
};

struct CompileRequest {
  std::vector<CompileUnit> units;  // the first is preprocessed and screened apart if `screen` is set
  std::string_view prefix;         // with `screen`: text in front of the first unit, compiled once for all requests
  CompileUnit quoted;              // what messages about #line's file name quote; decides nothing. Empty name: none
  std::vector<std::string> flags;
  bool screen = false;  // a candidate: ScreenPreprocessed, and imports by the allow-list
  double seconds = 30;
};

// What the compiler made of it.
struct CompileResult {
  enum class Kind { kObject, kErrors, kTimeout, kRejected };
  Kind kind = Kind::kObject;
  std::filesystem::path object;  // exists as long as the Compiler
  std::string reason;            // one sentence; kRejected: the rule that was broken
  std::string log;               // the compiler's words, cut
  double seconds = 0;
  bool cached = false;
};

std::vector<std::string> CandidateFlags();

class CompileService {
 public:
  // `cache`: folder for objects, created if missing; empty: none is kept. Errors (exit 3): no compiler, a folder that
  // cannot be written.
  static Result<CompileService> Create(std::string worker, bool sandbox, const std::filesystem::path& cache);
  // Errors are ours (a full disk, a worker that does not start).
  Result<CompileResult> Compile(const CompileRequest& request);
  // Whether Compile would find the result.
  bool IsCompiled(const CompileRequest& request) const;
  // What the compiler says of the loops that it vectorises in the request's first unit, one line each. Makes no object
  // and keeps nothing; the unit has passed its screen before.
  Result<std::string> VectorisationLog(const CompileRequest& request);
  const Compiler& compiler() const { return compiler_; }

 private:
  struct RunResult {
    bool timed_out = false;
    bool flooded = false;
    int wait_status = 0;
    std::string log;
    bool Succeeded() const { return !timed_out && !flooded && wait_status == 0; }
  };
  // The compiler with the request's flags and these arguments.
  std::vector<std::string> Command(const CompileRequest& request, const std::vector<std::string>& arguments) const;
  Result<RunResult> Run(const std::filesystem::path& folder, std::vector<std::string> command, double seconds);
  Result<std::filesystem::path> Header(const CompileRequest& request);
  Result<std::string> Precompile(const CompileRequest& request);
  Result<CompileResult> Build(const CompileRequest& request, const std::filesystem::path& object);
  std::string Key(const CompileRequest& request) const;
  std::optional<CompileResult> Failure(const std::string& key) const;
  static bool Has(const std::filesystem::path& folder, const std::string& name, const std::string& key);

  std::string worker_;
  bool sandbox_ = true;
  Compiler compiler_;
  std::string cpu_;
  std::filesystem::path cache_;              // kopt's own
  std::shared_ptr<TemporaryFolder> folder_;  // of what follows, and of the compilers' own
  std::filesystem::path exposed_;            // copies that workers of another uid can load
  std::filesystem::path headers_;            // precompiled prefixes, which every compiler can read and none can write
  struct Shared {
    std::mutex precompiling;
    std::mutex mutex;
    std::map<std::string, CompileResult> failures;  // by key: what could not be compiled is not tried again
  };
  std::shared_ptr<Shared> shared_;
};

// The names that an ELF shared object imports and that no candidate may import; empty if all are allowed. An object
// that cannot be read is an error.
Result<std::vector<std::string>> ForbiddenImports(std::string_view object);

}  // namespace kopt
