#include "verifier/cuda/cuda_checkers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "base/files.h"
#include "verifier/cuda/plan_json.h"
#include "verifier/cuda/sanitizer_log.h"
#include "verifier/cuda/toolkit.h"

namespace kopt {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kToolSeconds = 10;  // for a tool and all check shapes
constexpr size_t kMostLog = 1 << 20;

struct Tool {
  const char* name;
  bool refuses = true;
  bool reads_outputs = true;
};
// What initcheck finds may be read and never used, as where a tile is loaded whole: it is told, not refused. What it
// would change in the outputs, poisoned memory shows. And it does not see what bulk stores (TMA) have written.
constexpr Tool kTools[] = {{.name = "memcheck"},
                           {.name = "racecheck"},
                           {.name = "synccheck"},
                           {.name = "initcheck", .refuses = false, .reads_outputs = false}};

// A call at a check shape: what is sent, and the inputs.
struct CheckCall {
  const CudaShape* shape = nullptr;
  json request;
  const std::string* cubin = nullptr;
  std::vector<std::string> memory;  // of each tensor, as it is before the call
};

using Outputs = std::vector<std::string>;  // of every call: the bytes of all tensors

Result<std::vector<CheckCall>> CallsOf(CudaContext& context, const CudaRun& run, const CudaShapes& shapes,
                                       const CudaObjects& objects) {
  std::vector<CheckCall> calls;
  for (const CudaShape& shape : shapes) {
    if (shape.scored) continue;
    const BoundTask& task = shape.task;
    KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(0));
    KOPT_TRY(const InputSet inputs, context.oracle->DownloadInputs(task, *set));
    CheckCall call{.shape = &shape, .cubin = &objects.objects[objects.object_of.at(shape.shape)].cubin};
    call.request = {{"do", "call"},
                    {"plan", PlanJson(task, run.PlanOf(CudaRun::kCandidate, *shape.shape))},
                    {"tensors", json::array()},
                    {"scalars", set->scalars},
                    {"seconds", kToolSeconds}};
    for (size_t i = 0; i < task.tensors.size(); ++i) {
      const BoundTensor& bound = task.tensors[i];
      if (bound.tensor->role == Tensor::Role::kTemp) continue;
      call.request["tensors"].push_back(
          {{"bytes", bound.bytes}, {"read", bound.tensor->IsRead()}, {"written", bound.tensor->IsWritten()}});
      const auto& bytes = inputs.storage[i];
      std::string& memory = call.memory.emplace_back(bound.bytes, '\0');
      std::memcpy(memory.data(), bytes.data(), std::min(bytes.size(), memory.size()));
    }
    calls.push_back(std::move(call));
  }
  return calls;
}

Result<std::string> BytesOf(const Fd& memory, size_t bytes) {
  std::string content(bytes, '\0');
  for (size_t done = 0; done < bytes;) {
    const ssize_t got = pread(memory.get(), content.data() + done, bytes - done, static_cast<off_t>(done));
    if (got <= 0) return InternalError("an output of a checked call cannot be read");
    done += static_cast<size_t>(got);
  }
  return content;
}

// The fault that ended a worker is a finding of the tool's, which its log has.
Result<Outputs> RunCalls(DeviceWorker& worker, const std::vector<CheckCall>& calls, bool reads_outputs) {
  Outputs outputs;
  for (const CheckCall& call : calls) {
    std::vector<Fd> memory;
    KOPT_TRY(Fd cubin, MemoryOf(*call.cubin));
    memory.push_back(std::move(cubin));
    for (const std::string& bytes : call.memory) {
      KOPT_TRY(Fd tensor, MemoryOf(bytes));
      memory.push_back(std::move(tensor));
    }
    std::vector<int> descriptors;
    for (const Fd& fd : memory) descriptors.push_back(fd.get());
    json request = call.request;
    if (!reads_outputs) {
      for (json& tensor : request["tensors"]) tensor["written"] = false;
    }
    KOPT_TRY(const DeviceAnswer answer, worker.Ask(request, kToolSeconds, descriptors));
    if (answer.IsFault()) return outputs;
    for (size_t i = 0; i < call.memory.size(); ++i) {
      KOPT_TRY(outputs.emplace_back(), BytesOf(memory[i + 1], call.memory[i].size()));
    }
  }
  return outputs;
}

struct ToolRun {
  Outputs outputs;
  SanitizerFindings findings;
};

Result<ToolRun> RunTool(const CudaContext& context, const std::filesystem::path& sanitizer, const Tool& tool,
                        const std::vector<CheckCall>& calls) {
  KOPT_TRY(const TemporaryFolder folder, TemporaryFolder::Create("kopt"));
  const std::filesystem::path log = folder.path() / "log";
  KOPT_TRY(const auto worker,
           DeviceWorker::Start(context.worker, "check", context.ordinal,
                               {sanitizer.string(), "--tool", tool.name, "--log-file", log.string(), "--print-limit",
                                "10", "--show-backtrace", "device", "--report-api-errors", "no"}));
  ToolRun run;
  KOPT_TRY(run.outputs, RunCalls(*worker, calls, tool.reads_outputs));
  worker->Finish(kToolSeconds);
  if (auto text = ReadFile(log, kMostLog)) run.findings = ReadSanitizerLog(*text);
  return run;
}

Refusal Finding(const Tool& tool, const SanitizerFindings& findings) {
  return {.outcome = Outcome::kUnsafe,
          .stage = Stage::kCheck,
          .reason = fmt::format("compute-sanitizer's {} at the check shapes: {}", tool.name, findings.first)};
}

std::string Words(const SanitizerFindings& findings) {
  const bool clean = findings.errors + findings.warnings == 0;
  if (!findings.ended && clean) return fmt::format("not checked: it did not end within {} s", kToolSeconds);
  if (clean) return "nothing found";
  return fmt::format("{}{} errors, {} warnings; the first: {}", findings.ended ? "" : "at least ", findings.errors,
                     findings.warnings, findings.first);
}

}  // namespace

Judged<void> RunDeviceCheckers(CudaContext& context, const CudaRun& run, const CudaShapes& shapes,
                               const CudaObjects& objects, Verdict& verdict) {
  ordered_json& evidence = verdict.evidence["device_checkers"];
  KOPT_TRY(const CudaToolkit toolkit, FindCudaToolkit());
  if (toolkit.sanitizer.empty()) {
    evidence = "not checked: compute-sanitizer is not installed";
    return {};
  }
  const Lane::Hold hold = context.lane.Shared();
  KOPT_TRY(const std::vector<CheckCall> calls, CallsOf(context, run, shapes, objects));
  if (calls.empty()) {
    evidence = "not checked: the spec has no check shapes for this target";
    return {};
  }
  KOPT_TRY(const auto plain, DeviceWorker::Start(context.worker, "check", context.ordinal));
  KOPT_TRY(const Outputs outputs, RunCalls(*plain, calls, true));
  evidence = ordered_json::object();
  bool same = true;
  for (const Tool& tool : kTools) {
    KOPT_TRY(const ToolRun checked, RunTool(context, toolkit.sanitizer, tool, calls));
    evidence[tool.name] = Words(checked.findings);
    if (tool.refuses && checked.findings.errors > 0) return std::unexpected(Stop(Finding(tool, checked.findings)));
    const bool compared = tool.reads_outputs && checked.findings.ended;
    same = same && (!compared || checked.outputs == outputs);
  }
  evidence["outputs"] = same ? "the same bit by bit with and without" : "not the same bit by bit";
  return {};
}

}  // namespace kopt
