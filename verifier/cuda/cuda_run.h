// One fresh process on the device with a candidate in it, and its baseline beside it: loaded, called on input sets,
// checked, timed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "verifier/core/deadline.h"
#include "verifier/cuda/cuda_sets.h"

namespace kopt {

class CudaRun {
 public:
  static constexpr int kCandidate = 0, kBaseline = 1;

  // Takes a worker. Nothing runs yet.
  static Result<std::unique_ptr<CudaRun>> Start(CudaContext& context, const CudaShapes& shapes);
  ~CudaRun();

  // Loads a side's code and binds its plan at every shape (the baseline's: at the scored ones).
  Judged<void> Load(int side, const Candidate& candidate, const Configuration& configuration,
                    const CudaObjects& objects);

  // One call on a set, every output compared with its answer; keeps the digests for Time. Seconds of the call.
  Judged<double> Check(int side, const CudaShape& shape, const CudaOracle::Set& set, const Deadline& deadline);
  // Gives a set's memory in the candidate's process back.
  Result<void> Drop(const CudaOracle::Set& set);

  // A timed batch on these sets, each once: seconds a call, the cost of an empty launch subtracted. Every output's
  // digest must be that of the set's compared output; another one is compared in full.
  Judged<double> Time(int side, const CudaShape& shape, const std::vector<const CudaOracle::Set*>& sets,
                      const Deadline& deadline);
  // The same where other inputs have been drawn into the sets' memory. Nobody knows their answers, but for that of a
  // call which is audited: its outputs are compared.
  struct Audit {
    size_t call = 0;
    const CudaOracle::Set* answer = nullptr;
  };
  Judged<double> TimeUnseen(int side, const CudaShape& shape, const std::vector<const CudaOracle::Set*>& sets,
                            const Deadline& deadline, const std::optional<Audit>& audit);
  // Seconds of a call prepared as a timed one, by the device's own records (CUPTI) from the first kernel's start to the
  // last one's end, and by events as Time has them; nothing: there are no records here. They slow launches: nothing may
  // be timed in this process afterwards. `cupti`: the library's path.
  struct Recorded {
    double records = 0, events = 0;
  };
  Judged<std::optional<Recorded>> Records(int side, const CudaShape& shape, const CudaOracle::Set& set,
                                          const std::string& cupti, const Deadline& deadline);
  // What bounds a call prepared as a timed one: the worker's answer (run_worker.h). Nothing may be timed in this
  // process afterwards.
  Judged<nlohmann::json> Profile(int side, const CudaShape& shape, const CudaOracle::Set& set, const std::string& cupti,
                                 nlohmann::json metrics, const Deadline& deadline);
  // Waits until the device's clock stands still. Megahertz; 0: it does not.
  Judged<double> AwaitClock();

  // Of every output that was compared: by shape, set, number of the output. A side may take those that its code gave in
  // an earlier process.
  using Digests = std::map<std::tuple<const Shape*, int, size_t>, uint64_t>;
  const Digests& digests(int side) const { return sides_[side].digests; }
  void TakeDigests(int side, const Digests& digests) { sides_[side].digests = digests; }

  // Where the candidate is a library: its name and version, what it proposes at a shape, and which of that is run from
  // now on.
  const std::string& library() const { return library_; }
  size_t Proposals(const Shape& shape) const { return proposals_.at(&shape); }
  Judged<void> Choose(const Shape& shape, size_t proposal);

  pid_t pid() const { return worker_->pid(); }
  const BoundCudaPlan& PlanOf(int side, const Shape& shape) const { return sides_[side].plans.at(&shape); }
  size_t Launches(int side, const Shape& shape) const;
  size_t ScratchBytes(const Shape& shape) const;  // of a set, for either side
  const nlohmann::ordered_json& evidence() const { return evidence_; }
  bool bitwise_repeatable() const { return repeatable_; }
  double empty_seconds() const { return empty_seconds_; }  // of the last batch

 private:
  struct Side {
    std::map<const Shape*, int> plan_of;
    std::map<const Shape*, BoundCudaPlan> plans;
    Digests digests;
  };
  CudaRun(CudaContext& context, const CudaShapes& shapes) : context_(context), shapes_(shapes) {}
  Judged<DeviceAnswer> Ask(nlohmann::json request, double seconds, Stage stage, const Shape* shape,
                           const std::vector<int>& descriptors = {});
  Judged<void> UseSet(const CudaShape& shape, const CudaOracle::Set& set);
  Judged<void> CheckDamage(const DeviceAnswer& answer, const CudaShape& shape, const BoundCudaPlan& plan,
                           Stage stage) const;
  Judged<void> NotRepeatable(int side, const CudaShape& shape, size_t output);
  // The outputs in `set`'s memory with the answer that `answer` holds.
  Judged<void> Compare(int side, const CudaShape& shape, const CudaOracle::Set& set, const CudaOracle::Set& answer,
                       Stage stage);
  // Scratch of both sides in the same memory: each by its number.
  std::vector<size_t> ScratchOf(const Shape& shape) const;
  Judged<DeviceAnswer> RunBatch(int side, const CudaShape& shape, const std::vector<const CudaOracle::Set*>& sets,
                                const Deadline& deadline, bool moved);
  double SecondsOf(const DeviceAnswer& answer, size_t calls);

  CudaContext& context_;
  const CudaShapes& shapes_;
  std::unique_ptr<DeviceWorker> worker_;
  Side sides_[2];
  std::set<int> used_;  // sets whose memory is in the process
  int next_module_ = 0, next_plan_ = 0;
  std::string library_;
  std::map<const Shape*, size_t> proposals_;
  double empty_seconds_ = 0;
  bool repeatable_ = true;
  nlohmann::ordered_json evidence_ = nlohmann::ordered_json::object();
};

}  // namespace kopt
