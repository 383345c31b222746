// What all judgements of one cuda verifier share.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/lane.h"
#include "verifier/core/judged.h"
#include "verifier/core/verdict_times.h"
#include "verifier/cuda/compile.h"
#include "verifier/cuda/compile_ahead.h"
#include "verifier/cuda/cuda_verifier.h"
#include "verifier/cuda/device_worker.h"

namespace kopt {

class CudaOracle;

struct CudaContext {
  const Spec& spec;
  VerifierOptions options;
  CudaDevice device;
  CudaToolkit toolkit;
  std::string worker;                   // path of kopt-worker-cuda
  CudaCompileService compiler;          // results and servers are those of all verifiers of the run
  std::shared_ptr<CompileAhead> ahead;  // likewise
  Lane lane;
  std::string own_kernels;                // cubin of worker_kernels.cu
  uint64_t digest_key = 0;                // secret; only kopt and its workers' own code ever have it
  std::unique_ptr<DeviceWorker> spare{};  // started ahead for the next judgement
  EndingWorkers ending{};                 // of judgements that are over
  bool crowded = false;                   // the task's sets take so much memory that workers must not overlap
  std::unique_ptr<CudaOracle> oracle{};
  bool calibrated = false;  // again, since a peak was in doubt
};

// The compile service of this machine's toolkit. Errors: those of FindCudaToolkit and CudaCompileService::Create.
Result<CudaCompileService> OpenCompiler(const std::string& architecture, const VerifierOptions& options,
                                        double seconds);

// Compiles a text of kopt's own. An error of ours if it does not compile.
Result<std::string> CompileOwn(CudaCompileService& compiler, const std::string& text, const std::string& what);

// A run worker with kopt's kernels in it: the one that was started ahead; starts the next.
Result<std::unique_ptr<DeviceWorker>> TakeWorker(CudaContext& context);

// A candidate compiled for every shape.
struct CudaObject {
  std::string cubin;
  std::vector<KernelUsage> kernels;
};
struct CudaObjects {
  std::map<const Shape*, size_t> object_of;  // shapes that differ only in dynamic dims share one
  std::vector<CudaObject> objects;
  std::string log;                             // the compiler's warnings
  std::map<const Shape*, size_t> proposals{};  // of a library: which of what it proposes is run; its first where unsaid
};
Judged<CudaObjects> CompileCandidate(const Spec& spec, CudaCompileService& compiler, const CudaLimits& limits,
                                     const Candidate& candidate, const Configuration& configuration,
                                     const std::vector<const Shape*>& shapes,
                                     CudaCompileService::Warps warps = CudaCompileService::Warps::kAsTheyCome);

// What CompileCandidate will need for these, in their order; what breaks a rule is left out.
std::vector<CompileAhead::Text> TextsAhead(const Spec& spec, const CudaLimits& limits, std::span<const Contender> ahead,
                                           const std::vector<const Shape*>& shapes);

// A refusal, too, as an error: of a candidate that was judged before, it is ours.
Error ErrorOf(const Stop& stop);

// The objects of these shapes with what the compiler was given.
Result<DeviceCode> DeviceCodeOf(CudaCompileService& compiler, const std::string& architecture,
                                const Candidate& candidate, const CudaObjects& objects,
                                const std::vector<const Shape*>& shapes);

// What the kernels of the objects for these shapes need, a row each: registers and stack a thread, bytes spilt, static
// shared memory. Where there are several objects, with the first shape that a row is for.
nlohmann::ordered_json KernelsJson(const Spec& spec, const CudaObjects& objects,
                                   const std::vector<const Shape*>& shapes);

// Blocks of a kernel that fit a multiprocessor of compute capability 9.0, from what the compiler says that it needs:
// for plans that are bound without a device.
long long EstimateOccupancy(const KernelUsage& kernel, long long threads, long long smem);

}  // namespace kopt
