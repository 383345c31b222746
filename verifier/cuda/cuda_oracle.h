// kopt's side of the oracle on the device: input sets and their right answers, which stay in a process of their own.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "verifier/core/compare.h"
#include "verifier/core/input_set.h"
#include "verifier/cuda/cuda_context.h"
#include "verifier/cuda/host_oracle.h"

namespace kopt {

// Where a tensor lies in the memory that is mapped for it: whole units, the data near the end.
struct TensorPlace {
  size_t bytes = 0, offset = 0, mapping = 0;
  nlohmann::json Json() const { return {{"bytes", bytes}, {"offset", offset}, {"mapping", mapping}}; }
};
// Below an alignment of 256 the data begins at an odd multiple of it: a candidate may not rely on more.
TensorPlace PlaceTensor(size_t bytes, int align, size_t unit);

class CudaOracle {
 public:
  // Compiles the references and starts the process. Errors: references that do not compile (exit 2), no device (3).
  static Result<std::unique_ptr<CudaOracle>> Create(CudaContext& context);

  // One input set on the device. It is forgotten there when the object goes.
  class Set {
   public:
    Set(CudaOracle& oracle, int id) : oracle_(oracle), id_(id) {}
    Set(const Set&) = delete;
    Set& operator=(const Set&) = delete;
    ~Set() { oracle_.Forget(id_); }
    int id() const { return id_; }
    bool solved = false, sampled = false;
    std::vector<uint64_t> scalars;
    std::vector<TensorPlace> places;  // by tensor number; temps: empty
    std::vector<Fd> inputs;           // memory of inputs and inouts, in tensor order
    std::vector<Fd> foreign;          // memory with the answer as a candidate would store it, by output; MakeForeign
    size_t bytes = 0;                 // on the device, answer included
    double seconds = 0;               // that the answer took

   private:
    CudaOracle& oracle_;
    int id_;
  };

  // `timed`: tensors begin at multiples of 256 bytes at least.
  Result<std::unique_ptr<Set>> Draw(const BoundTask& task, const SetRecipe& recipe, bool timed);
  // Other inputs in the same memory. The answer to the earlier ones is kept: drawing those again makes it right again.
  Result<void> DrawOver(const BoundTask& task, Set& set, const SetRecipe& recipe);
  // The whole answer, or at kSampledTuples random index tuples where the spec allows it. Errors: as Oracle::Solve.
  Result<void> Solve(const BoundTask& task, Set& set);
  Result<void> Sample(const BoundTask& task, Set& set, uint64_t seed);
  Result<void> MakeForeign(const BoundTask& task, Set& set);

  // Maps the memory of a candidate's outputs and inouts, in tensor order, for comparisons.
  Result<void> Attach(const BoundTask& task, const Set& set, int id, const std::vector<Fd>& memory);
  Result<void> Detach(int id);
  // By tensor number; nothing for what is not compared. Those with an accept predicate have its words as the reason.
  Result<std::vector<std::optional<Comparison>>> Compare(const BoundTask& task, const Set& set, int attachment);

  struct Truth {
    std::vector<double> value, variance;
    std::vector<long long> integer;
    kopt::Truth view() const { return {value, variance, integer, {}}; }
  };
  // Stretches of elements: first and count. None: all.
  using Ranges = std::vector<std::pair<long long, long long>>;
  Result<Truth> Download(const BoundTask& task, const Set& set, size_t tensor, const Ranges& ranges = {});
  // `ranges`: by tensor number, of dense ones; missing or empty: all.
  Result<InputSet> DownloadInputs(const BoundTask& task, const Set& set, const std::vector<Ranges>& ranges = {});
  // Why the accept predicate of `output` refuses these storages (by tensor number); empty if it does not.
  Result<std::string> Refusal(const BoundTask& task, const Set& set, size_t output,
                              const std::vector<std::span<const std::byte>>& got);
  double seconds() const { return seconds_; }  // of the last whole answer
  // Process ids on the device, this process among them; nothing where the driver does not say.
  Result<std::optional<std::vector<unsigned>>> Processes();
  pid_t pid() const { return worker_->pid(); }

 private:
  friend class Set;
  CudaOracle(const CudaContext& context, std::unique_ptr<DeviceWorker> worker)
      : spec_(context.spec), options_(context.options), worker_(std::move(worker)), unit_(context.device.unit) {}
  Result<DeviceAnswer> Ask(const nlohmann::json& request, const std::vector<int>& descriptors, const std::string& what);
  Result<std::vector<Fd>> DrawInto(const BoundTask& task, Set& set, const SetRecipe& recipe);
  Result<void> Run(const BoundTask& task, Set& set, const std::vector<long long>& tuples);
  // Nothing without a compiler for the host: the device does it then, if more slowly.
  Result<HostOracle*> Host();
  Result<void> SolveOnHost(HostOracle& host, const BoundTask& task, Set& set);
  Result<std::string> AskAccept(const BoundTask& task, const Set& set, size_t output, int attachment);
  void Forget(int id);

  const Spec& spec_;
  const VerifierOptions& options_;
  std::unique_ptr<DeviceWorker> worker_;
  std::unique_ptr<HostOracle> host_;
  bool host_missing_ = false;
  size_t unit_;
  int next_ = 1;
  double seconds_ = 0;
};

}  // namespace kopt
