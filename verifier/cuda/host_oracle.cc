#include "verifier/cuda/host_oracle.h"

#include <algorithm>
#include <thread>

#include "base/process.h"

namespace kopt {

bool HostOracle::Suits(const BoundTask& task) {
  long long elements = 0;
  for (const BoundTensor& bound : task.tensors) elements += bound.elements;
  return elements >= kElements && std::ranges::all_of(task.spec->references, [&](const Reference& reference) {
           const auto count = TupleCount(*task.spec, reference.over, *task.shape);
           return count && *count < kTuples;
         });
}

bool HostOracle::SuitsCode(const BoundTask& task) {
  long long by_code = 0;
  long long inputs = 0;
  for (const BoundTensor& bound : task.tensors) {
    if (!bound.tensor->IsRead()) continue;
    inputs += bound.elements;
    if (!bound.tensor->code.empty()) by_code += bound.elements;
  }
  return by_code >= kCodeElements && inputs <= kInputsForEach * by_code;
}

Result<std::unique_ptr<HostOracle>> HostOracle::Create(const Spec& spec, const VerifierOptions& options) {
  const std::string worker = (ProgramFolder() / "kopt-worker-cpu").string();
  KOPT_TRY(CompileService compiler, CompileService::Create(worker, options.sandbox, options.cache));
  auto host = std::unique_ptr<HostOracle>(new HostOracle(std::move(compiler)));
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  KOPT_TRY(host->oracle_,
           Oracle::Create(spec, host->compiler_, {.worker = worker, .sandbox = options.sandbox, .threads = threads}));
  return host;
}

}  // namespace kopt
