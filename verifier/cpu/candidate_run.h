// One candidate, one configuration, in fresh worker processes: compiled, loaded, called on input sets, checked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/lane.h"
#include "task/candidate.h"
#include "verifier/core/verifier.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/judged.h"
#include "verifier/cpu/session.h"
#include "verifier/cpu/set_pool.h"

namespace kopt {

// What all runs of a verifier share.
struct CpuContext {
  const Spec& spec;
  VerifierOptions options;
  Device device;
  std::string worker;
  int threads = 1;
  CompileService compiler;
  Arenas arenas;
  Lane lane;
  std::unique_ptr<Oracle> oracle;
  std::unique_ptr<Session> empty;  // an object of kopt's own that does nothing, with OpenMP
  std::filesystem::path empty_object;
};

// A worker that has loaded kopt's own empty object; started again if it has ended.
Result<Session*> EmptySession(CpuContext& context);

// Seconds a batch may take: 20 x the baseline's time per call, at least 0.2 s a launch and for all launches of a call
// no more than the spec's limit for one; without a baseline the spec's limit per call.
struct Deadline {
  double baseline_call_seconds = 0;  // 0: no baseline yet
  double limit_seconds = 10;
  double Of(size_t launches, size_t calls) const;
};

class CandidateRun {
 public:
  // Screens, binds and compiles for every shape; nothing runs yet.
  static Judged<std::unique_ptr<CandidateRun>> Compile(CpuContext& context, const Candidate& candidate,
                                                       const Configuration& configuration,
                                                       const std::vector<const Shape*>& shapes);
  // Starts the workers (one per distinct object) and loads. Workers that are running already stay.
  Judged<void> Load();

  // Calls on the pool's sets with these numbers (npos: the fresh one), one process for all; every output is compared
  // with its whole answer. Returns seconds from go to end.
  static constexpr size_t kFreshSet = static_cast<size_t>(-1);
  Judged<double> Check(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets, const Deadline& deadline);

  // A timed batch on distinct sets of a timed pool: every output's digest must be that of the set's compared output; a
  // new digest is compared in full. `empty`: the same without calls.
  Judged<double> Time(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets, bool empty,
                      const Deadline& deadline);

  size_t ScratchBytes(const Shape& shape) const;
  // Seconds of a batch without calls on these sets in a process that holds no candidate code.
  Result<double> TrustedEmpty(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets);
  const nlohmann::ordered_json& evidence() const { return evidence_; }
  bool bitwise_repeatable() const { return repeatable_; }

 private:
  struct Bound {
    BoundPlan plan;
    std::string object;
  };
  struct CallBuffers {
    std::vector<int> tensors;  // by tensor number; -1: none
    std::vector<int> scratch;
  };
  struct Prepared {
    Batch batch;
    std::vector<CallBuffers> calls;
  };
  using Sets = std::vector<const SetPool::Entry*>;

  CandidateRun(CpuContext& context, Candidate candidate) : context_(context), candidate_(std::move(candidate)) {}
  Judged<void> CompileAll(const std::map<std::string, CpuSource>& sources, std::map<std::string, std::string>& objects);
  Prepared Prepare(const BoundTask& task, const BoundPlan& plan, size_t calls, bool timed) const;
  // What outputs and scratch hold before each call: by call, one kind.
  using Poisons = std::vector<Poison>;
  static Poisons DrawPoisons(size_t calls);
  Judged<double> RunBatch(const Shape& shape, SetPool& pool, const Sets& sets, const Prepared& prepared, bool empty,
                          Stage stage, const Deadline& deadline, const Poisons& poisons);
  Judged<void> CheckGaps(SetPool& pool, const SetPool::Entry& set, const CallBuffers& buffers, const Batch& batch,
                         Poison poison, Stage stage);
  uint64_t AddressSpace() const;
  Result<Sets> Gather(SetPool& pool, const std::vector<size_t>& numbers);
  Refusal RefusalOf(const BatchEnd& end, const Shape& shape, const BoundTask& task, const Prepared& prepared,
                    Stage stage, double seconds) const;
  std::string FaultText(const BatchStatus& status, const BoundTask& task, const Prepared& prepared,
                        bool& wrote_input) const;
  std::optional<std::string> BrokenCanary(const BoundTask& task, const Prepared& prepared, uint64_t secret) const;
  Judged<void> Compare(const Shape& shape, SetPool& pool, const SetPool::Entry& set, const CallBuffers& buffers,
                       const Batch& batch, Stage stage);
  uint64_t DigestOf(const BoundTensor& bound, std::span<const std::byte> storage) const;

  CpuContext& context_;
  Candidate candidate_;
  std::map<const Shape*, Bound> bound_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;              // by object
  std::map<std::tuple<const Shape*, size_t, size_t>, uint64_t> digests_;  // by shape, set, tensor
  uint64_t digest_secret_ = 0;
  bool repeatable_ = true;
  nlohmann::ordered_json evidence_ = nlohmann::ordered_json::object();
};

// "B=1 H=3 S=77 D=64"
std::string Text(const Spec& spec, const Shape& shape);

}  // namespace kopt
