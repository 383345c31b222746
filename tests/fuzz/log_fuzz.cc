// What compilers and tools may write of a candidate: everything that reads their words. What stands behind the first
// byte 0x1E is the PTX that the assembler's words are about.
#include <string>

#include "base/printable.h"
#include "prompts/compiler_log.h"
#include "task/screen.h"
#include "tests/fuzz/fuzz.h"
#include "verifier/cpu/vectorised.h"
#include "verifier/cuda/compile.h"
#include "verifier/cuda/ptx_lines.h"
#include "verifier/cuda/sanitizer_log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kopt;
  const std::string_view all = TextOf(data, size);
  const std::string_view log = all.substr(0, all.find('\x1e'));
  const std::string_view ptx = all.substr(std::min(log.size() + 1, all.size()));

  const std::string errors = ErrorsOf(log);
  Require(errors.size() <= log.size() + 4096, "errors are not longer than the log");
  Require(PerformanceRemarks(log).size() <= 4, "there are few remarks");
  Require(ParseVectorised(log).size() <= 50, "there are few loops");
  (void)NeedsLibraries(log);

  std::string kept(log);
  for (const KernelUsage& kernel : TakeUsage(kept)) Require(!kernel.name.empty(), "a kernel has a name");
  Require(kept.size() <= log.size() + 1, "what is kept of a log is no longer than the log");

  const SanitizerFindings found = ReadSanitizerLog(log);
  Require(!found.first.empty() || (found.errors == 0 && found.warnings == 0), "what is counted is shown");
  for (const std::string& words : {found.first, found.remark}) {
    Require(Printable(words) == words && words.size() < 4096, "a tool's words are printable and short");
  }

  const std::string sources = WithSourceLines(log, ptx);
  if (!NamesPtxLines(log)) Require(sources == log, "a log without such lines stays as it is");

  const auto screened = ScreenPreprocessed(all, "candidate.cpp");
  if (!screened) Require(screened.error().exit == Exit::kUsage, "what the screen refuses is the candidate's fault");
  return 0;
}
