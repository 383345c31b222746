#include <algorithm>
#include <future>
#include <optional>

#include "task/cuda_source.h"
#include "task/screen.h"
#include "verifier/cuda/compile_protocol.h"
#include "verifier/cuda/cuda_context.h"

namespace kopt {

extern const std::string_view kCandidatePrefixText;  // embedded: candidate_prefix.cuh

namespace {

Refusal CompileRefusal(const CudaCompileResult& compiled) {
  const bool late = compiled.kind == CudaCompileResult::Kind::kTimeout;
  Refusal refusal{.outcome = late ? Outcome::kTimeout : Outcome::kCompileError,
                  .stage = Stage::kCompile,
                  .reason = compiled.reason};
  refusal.evidence["log"] = compiled.log;
  return refusal;
}

// What has to be compiled for these shapes, each text once.
struct Texts {
  std::vector<std::string> texts;
  std::map<const Shape*, size_t> text_of;
};

Judged<Texts> TextsOf(const Spec& spec, const CudaLimits& limits, const Candidate& candidate,
                      const Configuration& configuration, const std::vector<const Shape*>& shapes) {
  Texts texts;
  std::map<std::string, size_t> known;
  for (const Shape* shape : shapes) {
    const auto source = GenerateCudaSource(spec, candidate, configuration, *shape, DeviceValues(limits));
    if (!source) return std::unexpected(Stop(PlanRefusal(source.error(), Outcome::kRejected, Stage::kParse)));
    const auto [entry, added] = known.try_emplace(source->text, texts.texts.size());
    texts.text_of[shape] = entry->second;
    if (added) texts.texts.push_back(source->text);
  }
  return texts;
}

}  // namespace

std::vector<CompileAhead::Text> TextsAhead(const Spec& spec, const CudaLimits& limits, std::span<const Contender> ahead,
                                           const std::vector<const Shape*>& shapes) {
  std::vector<CompileAhead::Text> texts;
  for (const Contender& later : ahead) {
    if (!ScreenLineDirectives(*later.candidate)) continue;
    auto source = TextsOf(spec, limits, *later.candidate, later.configuration, shapes);
    if (!source) continue;
    const auto prefix = CudaCompileService::PrefixFor(later.candidate->source);
    for (std::string& text : source->texts) texts.push_back({.text = std::move(text), .prefix = prefix});
  }
  return texts;
}

Error ErrorOf(const Stop& stop) {
  if (stop.ours) return *stop.ours;
  return InternalError(fmt::format("what was judged does not compile any more: {}", stop.refusal.reason)).error();
}

Result<CudaCompileService> OpenCompiler(const std::string& architecture, const VerifierOptions& options,
                                        double seconds) {
  const std::filesystem::path programs = ProgramFolder();
  KOPT_TRY(const CudaToolkit toolkit, FindCudaToolkit());
  return CudaCompileService::Create(toolkit, architecture,
                                    {.worker = (programs / "kopt-worker-cuda").string(),
                                     .guard = (programs / "kopt-worker-cpu").string(),
                                     .sandbox = options.sandbox,
                                     .cache = options.cache,
                                     .seconds = seconds});
}

Result<std::string> CompileOwn(CudaCompileService& compiler, const std::string& text, const std::string& what) {
  KOPT_TRY(const CudaCompileResult result, compiler.Compile(text, CudaCompileService::Prefix::kNone));
  if (result.kind == CudaCompileResult::Kind::kCubin) return result.cubin;
  return std::unexpected(
      Error{.message = fmt::format("{} do not compile: {}", what, result.reason), .log = result.log});
}

Judged<CudaObjects> CompileCandidate(const Spec& spec, CudaCompileService& compiler, const CudaLimits& limits,
                                     const Candidate& candidate, const Configuration& configuration,
                                     const std::vector<const Shape*>& shapes, CudaCompileService::Warps warps) {
  if (auto screened = ScreenLineDirectives(candidate); !screened) {
    return std::unexpected(Stop(PlanRefusal(screened.error(), Outcome::kRejected, Stage::kScreen)));
  }
  KOPT_TRY(auto source, TextsOf(spec, limits, candidate, configuration, shapes));
  CudaObjects objects{.object_of = std::move(source.text_of)};
  const std::vector<std::string>& texts = source.texts;
  const auto prefix = CudaCompileService::PrefixFor(candidate.source);
  // A server dies with the thread that started it, so not one of those below.
  const bool known_all =
      std::ranges::all_of(texts, [&](const std::string& text) { return compiler.IsCompiled(text, prefix, warps); });
  if (!known_all) {
    if (auto prepared = compiler.Prepare(prefix); !prepared) return std::unexpected(Stop(std::move(prepared.error())));
  }
  std::vector<std::future<Result<CudaCompileResult>>> running;
  for (const std::string& text : texts) {
    running.push_back(std::async(std::launch::async, [&] { return compiler.Compile(text, prefix, warps); }));
  }
  std::optional<Stop> stop;
  for (auto& one : running) {
    auto compiled = one.get();
    if (stop) continue;
    if (!compiled) {
      stop = Stop(compiled.error());
    } else if (compiled->kind != CudaCompileResult::Kind::kCubin) {
      stop = Stop(CompileRefusal(*compiled));
    } else {
      if (!compiled->log.empty()) objects.log = compiled->log;
      objects.objects.push_back({.cubin = std::move(compiled->cubin), .kernels = std::move(compiled->kernels)});
    }
  }
  if (stop) return std::unexpected(*std::move(stop));
  return objects;
}

Result<DeviceCode> DeviceCodeOf(CudaCompileService& compiler, const std::string& architecture,
                                const Candidate& candidate, const CudaObjects& objects,
                                const std::vector<const Shape*>& shapes) {
  const bool libraries = CudaCompileService::PrefixFor(candidate.source) == CudaCompileService::Prefix::kLibraries;
  DeviceCode code{.architecture = architecture, .flags{kCommonOptions.begin(), kCommonOptions.end()}};
  KOPT_TRY(code.compiler, compiler.Version());
  code.flags.emplace_back(kCandidateOption);
  code.flags.push_back("--gpu-architecture=" + architecture);
  code.prefix = (libraries ? kLibrariesText : "") + std::string(kCandidatePrefixText);
  for (const Shape* shape : shapes) code.binaries.push_back(objects.objects[objects.object_of.at(shape)].cubin);
  return code;
}

nlohmann::ordered_json KernelsJson(const Spec& spec, const CudaObjects& objects,
                                   const std::vector<const Shape*>& shapes) {
  std::map<size_t, const Shape*> first;
  for (const Shape* shape : shapes) first.try_emplace(objects.object_of.at(shape), shape);
  auto rows = nlohmann::ordered_json::array();
  for (const auto& [number, shape] : first) {
    for (const KernelUsage& kernel : objects.objects[number].kernels) {
      nlohmann::ordered_json row = {{"kernel", kernel.name},
                                    {"registers", kernel.registers},
                                    {"stack_bytes", kernel.stack_bytes},
                                    {"spill_store_bytes", kernel.spill_stores},
                                    {"spill_load_bytes", kernel.spill_loads},
                                    {"shared_bytes", kernel.shared_bytes}};
      if (first.size() > 1) row["shape"] = ShapeText(spec, *shape);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// The limits of one multiprocessor and the units in which it gives them out: CUDA C++ Programming Guide, compute
// capabilities, 9.0.
long long EstimateOccupancy(const KernelUsage& kernel, long long threads, long long smem) {
  constexpr long long kWarps = 64, kRegisters = 65536, kShared = 233472, kBlocks = 32;
  const long long warps = (threads + 31) / 32;
  const long long registers = (std::max(kernel.registers, 1) * 32 + 255) / 256 * 256 * ((warps + 3) / 4 * 4);
  const long long shared = (kernel.shared_bytes + smem + 1024 + 127) / 128 * 128;
  return std::max(
      0LL, std::min({kBlocks, kWarps / std::max(warps, 1LL), kRegisters / std::max(registers, 1LL), kShared / shared}));
}

Result<DeviceCode> CompileDeviceCode(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                     const std::vector<const Shape*>& shapes, const std::string& architecture,
                                     const CudaLimits& limits, const VerifierOptions& options) {
  KOPT_TRY(CudaCompileService compiler, OpenCompiler(architecture, options, spec.limits.compile_seconds));
  const auto objects = CompileCandidate(spec, compiler, limits, candidate, configuration, shapes);
  if (!objects) return std::unexpected(ErrorOf(objects.error()));
  return DeviceCodeOf(compiler, architecture, candidate, *objects, shapes);
}

Result<CompileOnly> CompileForCuda(const Spec& spec, const Candidate& candidate, const Configuration& configuration,
                                   const std::string& architecture, const VerifierOptions& options) {
  KOPT_TRY(CudaCompileService compiler, OpenCompiler(architecture, options, spec.limits.compile_seconds));
  std::vector<const Shape*> shapes = spec.Scored(Target::kCuda);
  for (const Shape* shape : spec.Checks(Target::kCuda)) shapes.push_back(shape);
  CompileOnly result;
  Verdict& verdict = result.verdict;
  const CudaLimits limits;
  const auto refused = [&](const Refusal& refusal) {
    verdict.outcome = refusal.outcome;
    verdict.stage = refusal.stage;
    verdict.reason = refusal.reason;
    verdict.evidence.update(refusal.evidence);
    return result;
  };
  const auto objects = CompileCandidate(spec, compiler, limits, candidate, configuration, shapes);
  if (!objects && objects.error().ours) return std::unexpected(*objects.error().ours);
  if (!objects) return refused(objects.error().refusal);
  for (const Shape* shape : shapes) {
    const CudaObject& object = objects->objects[objects->object_of.at(shape)];
    const Occupancy occupancy = [&](const std::string& name, long long threads, long long smem) -> Result<long long> {
      const auto kernel = std::ranges::find(object.kernels, name, &KernelUsage::name);
      if (kernel == object.kernels.end()) return UsageError(fmt::format("the source has no kernel `{}`", name));
      return EstimateOccupancy(*kernel, threads, smem);
    };
    const auto plan = BindCuda(spec, candidate, configuration, *shape, DeviceValues(limits), limits, occupancy);
    if (!plan) return refused(PlanRefusal(plan.error(), Outcome::kLaunchError, Stage::kParse));
  }
  verdict.stage = Stage::kCompile;
  verdict.evidence["kernels"] = KernelsJson(spec, *objects, shapes);
  if (!objects->log.empty()) verdict.evidence["log"] = objects->log;
  result.compiled = true;
  return result;
}

}  // namespace kopt
