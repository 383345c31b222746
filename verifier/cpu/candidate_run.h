// One candidate, one configuration, in fresh worker processes: compiled, loaded, called on input sets, checked.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "verifier/core/deadline.h"
#include "verifier/core/judged.h"
#include "verifier/cpu/call_batch.h"
#include "verifier/cpu/candidate_objects.h"
#include "verifier/cpu/cpu_context.h"
#include "verifier/cpu/set_pool.h"

namespace kopt {

class CandidateRun {
 public:
  // Nothing runs yet.
  CandidateRun(CpuContext& context, CandidateObjects objects);
  // The same objects in processes with threads that are late: what others use of theirs without waiting for them is not
  // there yet. For checks.
  std::unique_ptr<CandidateRun> WithLate(Late late) const;
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

  // The same, call by call: the inputs of a call are not there before the one ahead of it has returned, and its outputs
  // must be there when it returns. Seconds of each call, what it takes to hand over included. `flush`: a call finds
  // what kopt has written in no cache; else in those of the CPU that its first thread begins on.
  Judged<std::vector<double>> TimeOneByOne(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets,
                                           bool flush, const Deadline& deadline);
  // Seconds that handing over takes: calls that only wake OpenMP's threads, if the candidate is linked with OpenMP, in
  // a process that holds no candidate code.
  Result<std::vector<double>> TimeHandOvers(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets);

  // Seconds a call took in the last Check at this shape; 0: none yet.
  double CheckedCallSeconds(const Shape& shape) const;
  size_t ScratchBytes(const Shape& shape) const;
  // Seconds of a batch without calls on these sets in a process that holds no candidate code.
  Result<double> TrustedEmpty(const Shape& shape, SetPool& pool, const std::vector<size_t>& sets);
  const nlohmann::ordered_json& evidence() const { return evidence_; }
  bool bitwise_repeatable() const { return repeatable_; }

 private:
  using Sets = std::vector<const SetPool::Entry*>;

  // What outputs and scratch hold before each call: by call, one kind.
  using Poisons = std::vector<Poison>;
  static Poisons DrawPoisons(size_t calls);
  static std::vector<const InputSet*> InputsOf(const Sets& sets);
  // `returned`, if given: the calls one by one, as Session::RunOptions has it.
  using Returned = std::function<void(size_t number)>;
  Judged<BatchEnd> RunBatch(const Shape& shape, SetPool& pool, const Sets& sets, const CallBatch& calls, bool empty,
                            Stage stage, const Deadline& deadline, const Poisons& poisons,
                            const Returned& returned = nullptr, bool flush = false);
  // Without calls, in a process that holds no candidate code.
  Result<BatchEnd> RunTrusted(const CallBatch& calls, const Session::RunOptions& how);
  // By output.
  std::vector<uint64_t> DigestsOf(const BoundTask& task, const CallBuffers& call, const Batch& batch) const;
  Judged<void> CheckTimed(const Shape& shape, SetPool& pool, const std::vector<size_t>& numbers, const Sets& sets,
                          const CallBatch& calls, const Poisons& poisons);
  Judged<void> CheckGaps(SetPool& pool, const SetPool::Entry& set, const CallBuffers& buffers, const Batch& batch,
                         Poison poison, Stage stage);
  uint64_t AddressSpace() const;
  Result<Sets> Gather(SetPool& pool, const std::vector<size_t>& numbers);
  Refusal BatchRefusal(const BatchEnd& end, const Shape& shape, const BoundTask& task, const CallBatch& calls,
                       Stage stage, double seconds) const;
  Judged<void> Compare(const Shape& shape, SetPool& pool, const SetPool::Entry& set, const CallBuffers& buffers,
                       const Batch& batch, Stage stage);
  uint64_t DigestOf(const BoundTensor& bound, std::span<const std::byte> storage) const;

  CpuContext& context_;
  std::map<const Shape*, CandidateObject> objects_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;              // by object
  std::map<std::tuple<const Shape*, size_t, size_t>, uint64_t> digests_;  // by shape, set, tensor
  std::map<const Shape*, double> checked_call_seconds_;
  uint64_t digest_secret_ = 0;
  Late late_ = Late::kNobody;
  bool repeatable_ = true;
  nlohmann::ordered_json evidence_ = nlohmann::ordered_json::object();
};

}  // namespace kopt
