#include "verifier/cuda/cuda_checkers.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <regex>
#include <span>

#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "task/cpp_tokens.h"
#include "verifier/core/interrupt.h"
#include "verifier/cuda/cuda_faults.h"
#include "verifier/cuda/plan_json.h"
#include "verifier/cuda/sanitizer_log.h"

namespace kopt {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kToolSeconds = 10;  // for a tool and all check shapes
constexpr double kSlackSeconds = 5;  // for its own end
constexpr size_t kMostLog = 1 << 20;

struct Tool {
  const char* name;
  bool refuses = true;
  bool reads_outputs = true;
  bool follows_shared_memory = false;
};
// What initcheck finds may be read and never used, as where a tile is loaded whole: it is told, not refused. What it
// would change in the outputs, poisoned memory shows. And it does not see what bulk stores (TMA) have written.
constexpr Tool kTools[] = {{.name = "memcheck"},
                           {.name = "racecheck", .follows_shared_memory = true},
                           {.name = "synccheck"},
                           {.name = "initcheck", .refuses = false, .reads_outputs = false}};

// A call at a check shape: what is sent, and the inputs.
struct CheckCall {
  json request;
  const std::string* cubin = nullptr;
  std::vector<std::string> memory;  // of each tensor, as it is before the call
};

Result<std::vector<CheckCall>> CallsOf(CudaContext& context, const CudaRun& run, const CudaShapes& shapes,
                                       const CudaObjects& objects) {
  std::vector<CheckCall> calls;
  for (const CudaShape& shape : shapes) {
    if (shape.scored) continue;
    const BoundTask& task = shape.task;
    KOPT_TRY(const CudaOracle::Set* set, shape.sets->Get(0));
    KOPT_TRY(const InputSet inputs, context.oracle->DownloadInputs(task, *set));
    CheckCall call{.cubin = &objects.objects[objects.object_of.at(shape.shape)].cubin};
    call.request = {{"do", "call"},
                    {"plan", PlanJson(task, run.PlanOf(CudaRun::kCandidate, *shape.shape))},
                    {"tensors", json::array()},
                    {"scalars", set->scalars}};
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

// What calls at the check shapes gave.
struct CallsRun {
  std::vector<std::string> outputs;  // of every call that ended: the bytes of all tensors
  json failed;                       // code and words of the first that did not; null: none
};

// `seconds`: for all of them.
Result<CallsRun> RunCalls(const CudaContext& context, DeviceWorker& worker, const std::vector<CheckCall>& calls,
                          bool reads_outputs, double seconds) {
  CallsRun run;
  const double deadline = SystemClock().Now() + seconds;
  const auto left = [&] { return std::max(deadline - SystemClock().Now(), 0.0); };
  KOPT_CHECK(worker.Await(seconds));
  for (const CheckCall& call : calls) {
    KOPT_CHECK(CheckInterrupt(context.options));
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
    request["fill"] = reads_outputs;
    request["seconds"] = left();
    if (!reads_outputs) {
      for (json& tensor : request["tensors"]) tensor["written"] = false;
    }
    KOPT_TRY(const DeviceAnswer answer, worker.Ask(request, left() + kSlackSeconds, descriptors));
    run.failed = answer.IsFault() ? answer.json.at("fault") : answer.json.value("failed", json());
    if (!run.failed.is_null()) return run;
    for (size_t i = 0; i < call.memory.size(); ++i) {
      std::string& output = run.outputs.emplace_back(call.memory[i].size(), '\0');
      KOPT_CHECK(ReadMemory(memory[i + 1], std::as_writable_bytes(std::span(output))));
    }
  }
  return run;
}

// The beginning of a file.
std::string HeadOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kMostLog, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return head;
}

struct ToolRun {
  CallsRun calls;
  SanitizerFindings findings;
};

Result<ToolRun> RunTool(const CudaContext& context, const Tool& tool, const std::filesystem::path& folder,
                        const std::vector<CheckCall>& calls) {
  const std::filesystem::path log = folder / tool.name;
  KOPT_TRY(const auto worker,
           DeviceWorker::Start(context.worker, "check", context.options.device,
                               {context.toolkit.sanitizer.string(), "--tool", tool.name, "--log-file", log.string(),
                                "--print-limit", "500", "--show-backtrace", "device", "--report-api-errors", "no"}));
  ToolRun run;
  KOPT_TRY(run.calls, RunCalls(context, *worker, calls, tool.reads_outputs, kToolSeconds));
  worker->Finish(kSlackSeconds);
  run.findings = ReadSanitizerLog(HeadOf(log));
  return run;
}

// racecheck does not know what `bar.arrive` orders: every exchange of warps by named barriers is a race to it.
bool ArrivesAtNamedBarriers(const Candidate& candidate) {
  static const std::regex arrive(R"(\bbar(rier)?(\.cta)?\.arrive\b)");
  return std::ranges::any_of(Tokenise(candidate.source), [](const CppToken& token) {
    return token.kind == CppToken::Kind::kString && std::regex_search(token.text, arrive);
  });
}

Refusal Finding(const Tool& tool, const SanitizerFindings& findings) {
  return {.outcome = Outcome::kUnsafe,
          .stage = Stage::kCheck,
          .reason = fmt::format("compute-sanitizer's {} at the check shapes: {}", tool.name, findings.first)};
}

std::string Words(const ToolRun& run) {
  const SanitizerFindings& findings = run.findings;
  if (findings.errors == 0 && findings.warnings > 0 && !run.calls.failed.is_null()) {
    return "not checked behind the first warning, which ended it: " + findings.first;
  }
  if (findings.errors > 0 || (findings.warnings > 0 && findings.remark.empty())) {
    return fmt::format("{}{} errors, {} warnings; the first: {}", findings.ended ? "" : "at least ", findings.errors,
                       findings.warnings, findings.first);
  }
  if (!findings.remark.empty()) return "not checked: " + findings.remark;
  if (!run.calls.failed.is_null()) {
    const std::string words = run.calls.failed.at("words");
    return words == "deadline" ? fmt::format("not checked: a call did not end within {} s", kToolSeconds)
                               : "not checked: a call failed under it: " + words;
  }
  return findings.ended ? "nothing found" : "not checked: it said nothing of how it ended";
}

}  // namespace

Judged<void> RunDeviceCheckers(CudaContext& context, const CudaRun& run, const CudaShapes& shapes,
                               const Candidate& candidate, const CudaObjects& objects, Verdict& verdict) {
  ordered_json& evidence = verdict.evidence["device_checkers"];
  if (context.toolkit.sanitizer.empty()) {
    evidence = "not checked: compute-sanitizer is not installed";
    return {};
  }
  const Lane::Hold hold = context.lane.Shared();
  KOPT_TRY(const std::vector<CheckCall> calls, CallsOf(context, run, shapes, objects));
  if (calls.empty()) {
    evidence = "not checked: the spec has no check shapes for this target";
    return {};
  }
  KOPT_TRY(const TemporaryFolder folder, TemporaryFolder::Create("kopt"));
  GuardFolder(folder.path());
  KOPT_TRY(auto worker, DeviceWorker::Start(context.worker, "check", context.options.device));
  KOPT_TRY(const CallsRun plain, RunCalls(context, *worker, calls, true, kToolSeconds));
  worker.reset();
  if (!plain.failed.is_null()) return std::unexpected(StopOf(plain.failed, Stage::kCheck, kToolSeconds));
  evidence = ordered_json::object();
  std::optional<bool> same;  // nothing: no tool came to its end with all outputs
  for (const Tool& tool : kTools) {
    KOPT_CHECK(CheckInterrupt(context.options));
    const auto checked = RunTool(context, tool, folder.path(), calls);
    KOPT_CHECK(CheckInterrupt(context.options));
    if (!checked) {
      evidence[tool.name] = "not checked: " + checked.error().Text();
      continue;
    }
    evidence[tool.name] = Words(*checked);
    if (tool.follows_shared_memory && checked->findings.errors > 0 && ArrivesAtNamedBarriers(candidate)) {
      evidence[tool.name] = "not checked: it does not follow bar.arrive";
    } else if (tool.refuses && checked->findings.errors > 0) {
      return std::unexpected(Stop(Finding(tool, checked->findings)));
    }
    if (!tool.reads_outputs || !checked->calls.failed.is_null()) continue;
    same = same.value_or(true) && checked->calls.outputs == plain.outputs;
  }
  evidence["outputs"] = !same   ? "not compared: no call ended under a tool"
                        : *same ? "the same bit by bit with and without"
                                : "not the same bit by bit";
  return {};
}

}  // namespace kopt
