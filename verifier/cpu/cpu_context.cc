#include "verifier/cpu/cpu_context.h"

namespace kopt {
namespace {

constexpr const char* kEmptyObject =
    "extern \"C\" void kopt_entry(int, void* const*) {\n#pragma omp parallel\n  asm volatile(\"\");\n}\n";

}  // namespace

Result<Session*> EmptySession(CpuContext& context) {
  if (context.empty != nullptr && context.empty->running()) return context.empty.get();
  if (context.empty_object.empty()) {
    KOPT_TRY(const CompileResult compiled,
             context.compiler.Compile({.units = {{"empty.cpp", kEmptyObject}}, .flags = CandidateFlags()}));
    if (compiled.kind != CompileResult::Kind::kObject) {
      return std::unexpected(Error{.exit = Exit::kEnvironment,
                                   .message = "the compiler cannot build a small OpenMP program: " + compiled.reason,
                                   .hint = "reinstall g++ with its OpenMP library",
                                   .log = compiled.log});
    }
    context.empty_object = compiled.object;
  }
  KOPT_TRY(context.empty, Session::Start({.worker = context.worker,
                                          .object = context.empty_object,
                                          .sandbox = context.options.sandbox,
                                          .threads = context.threads}));
  std::string reason;
  if (context.empty->Load(reason).kind != BatchEnd::Kind::kDone)
    return InternalError("the empty object does not load: " + reason);
  return context.empty.get();
}

}  // namespace kopt
