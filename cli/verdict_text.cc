#include "cli/verdict_text.h"

#include <fmt/format.h>

#include "agent/evidence.h"
#include "agent/format.h"
#include "base/printable.h"
#include "cli/output.h"
#include "verifier/core/statistics.h"

namespace kopt {
namespace {

std::string Indented(const std::string& text) {
  std::string result = "    ";
  for (char c : text) result += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return result + "\n";
}

}  // namespace

std::string VerdictText(const Verdict& verdict, const std::string& baseline) {
  std::string text = Summary(verdict) + (verdict.correct() ? ": every output is right\n" : "\n");
  std::vector<std::vector<std::string>> rows;
  if (verdict.time_us) rows.push_back({"time", FormatMicroseconds(verdict.time_us) + " a call"});
  if (verdict.baseline_us) {
    rows.push_back({"baseline", fmt::format("{} ({})", FormatMicroseconds(verdict.baseline_us), baseline)});
  }
  if (verdict.speedup && verdict.speedup_interval) {
    rows.push_back({"speedup", fmt::format("{}, two-sided 99 %: {}{}", FormatSpeedup(verdict),
                                           Name(Judge(*verdict.speedup_interval)),
                                           verdict.confirmed ? ", confirmed" : " by screening")});
  } else if (verdict.correct() && !verdict.remark.empty()) {
    rows.push_back({"speedup", "cannot be told: the machine was too noisy"});
  }
  if (verdict.sol_fraction) rows.push_back({"speed of light", FormatPercent(*verdict.sol_fraction) + " reached"});
  text += Table(rows);
  const std::string evidence = EvidenceText(verdict.evidence);
  return evidence.empty() ? text : text + "  evidence\n" + Indented(evidence);
}

std::string CompiledText(const Verdict& verdict, const std::string& architecture) {
  std::string text = fmt::format("compiled for {}; nothing was run\n", architecture);
  for (const auto& kernel : verdict.evidence.at("kernels")) {
    text += fmt::format("  {}: {} registers, {} bytes of shared memory, {} bytes of stack, {} bytes spilt\n",
                        Printable(kernel.at("kernel").get<std::string>()), kernel.at("registers").get<int>(),
                        kernel.at("shared_bytes").get<int>(), kernel.at("stack_bytes").get<int>(),
                        kernel.at("spill_store_bytes").get<int>());
  }
  if (verdict.evidence.contains("log")) text += Printable(verdict.evidence.at("log").get<std::string>()) + "\n";
  return text;
}

}  // namespace kopt
