#include "bench/mutants_code.h"

#include "base/files.h"
#include "base/hash.h"
#include "task/cpu_prefix.h"
#include "task/screen.h"
#include "verifier/cpu/compile.h"
#include "verifier/cpu/cpu_verifier.h"
#include "verifier/cuda/cuda_context.h"

namespace kopt {
namespace {

std::vector<const Shape*> ShapesOf(const Spec& spec, Target target) {
  std::vector<const Shape*> shapes = spec.Scored(target);
  for (const Shape* shape : spec.Checks(target)) shapes.push_back(shape);
  return shapes;
}

class CpuCode : public CodeMaker {
 public:
  CpuCode(const Spec& spec, CompileService compiler) : spec_(spec), compiler_(std::move(compiler)) {}

  Result<std::optional<std::string>> Code(const Candidate& candidate, const Configuration& configuration) override {
    if (!ScreenCpuSource(candidate)) return std::nullopt;
    std::string code;
    for (const Shape* shape : ShapesOf(spec_, Target::kCpu)) {
      if (!BindCpu(spec_, candidate, configuration, *shape, device_.values)) return std::nullopt;
      const auto source = GenerateCpuSource(spec_, candidate, configuration, *shape, device_.values);
      if (!source) return std::nullopt;
      KOPT_TRY(const CompileResult compiled,
               compiler_.Compile({.units = {{"unit.cpp", source->candidate}, {"stubs.cpp", source->stubs}},
                                  .prefix = kCpuPrefix,
                                  .quoted = {"candidate.cpp", candidate.source},
                                  .flags = CandidateFlags(),
                                  .screen = true,
                                  .seconds = spec_.limits.compile_seconds}));
      if (compiled.kind != CompileResult::Kind::kObject) return std::nullopt;
      KOPT_TRY(const std::string object, ReadFile(compiled.object));
      code += object;
    }
    return ContentHash(code);
  }

 private:
  const Spec& spec_;
  const Device device_ = CpuDevice();
  CompileService compiler_;
};

class CudaCode : public CodeMaker {
 public:
  CudaCode(const Spec& spec, CudaCompileService compiler) : spec_(spec), compiler_(std::move(compiler)) {}

  Result<std::optional<std::string>> Code(const Candidate& candidate, const Configuration& configuration) override {
    const auto objects =
        CompileCandidate(spec_, compiler_, CudaLimits(), candidate, configuration, ShapesOf(spec_, Target::kCuda));
    if (!objects && objects.error().ours) return std::unexpected(*objects.error().ours);
    if (!objects) return std::nullopt;
    std::string code;
    for (const CudaObject& object : objects->objects) code += object.cubin;
    return ContentHash(code);
  }

 private:
  const Spec& spec_;
  CudaCompileService compiler_;
};

}  // namespace

Result<std::unique_ptr<CodeMaker>> NewCodeMaker(const Spec& spec, Target target, const VerifierOptions& options) {
  if (target == Target::kCpu) {
    const std::string worker = (ProgramFolder() / "kopt-worker-cpu").string();
    KOPT_TRY(CompileService compiler, CompileService::Create(worker, options.sandbox, options.cache));
    return std::make_unique<CpuCode>(spec, std::move(compiler));
  }
  KOPT_TRY(CudaCompileService compiler, OpenCompiler("sm_90a", options, spec.limits.compile_seconds));
  KOPT_CHECK(compiler.Prepare(CudaCompileService::Prefix::kNumbers));
  return std::make_unique<CudaCode>(spec, std::move(compiler));
}

}  // namespace kopt
