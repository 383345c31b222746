// The sections of a report, in parts that agent/report/report.cc puts in order. A section without content is empty.
#pragma once

#include <vector>

#include "agent/optimize.h"
#include "agent/report/document.h"
#include "agent/report/sensitivity.h"

namespace kopt {

using Blocks = std::vector<Block>;

// ---- about the result: result.cc ----
Blocks FactsSection(const Job& job, const OptimizeResult& result);
Blocks BoundSection(const Job& job, const OptimizeResult& result);
Blocks MeaningSection(const Job& job, const OptimizeResult& result);
Blocks KernelSection(const Job& job, const OptimizeResult& result);
Blocks EvidenceSection(const OptimizeResult& result);
Blocks ConfirmationsSection(const Job& job, const OptimizeResult& result);

// ---- about the search: search.cc ----
Blocks SearchSection(const Job& job, const OptimizeResult& result);
Blocks OutcomesSection(const OptimizeResult& result);
Blocks BestScreenedSection(const Job& job, const OptimizeResult& result);
Blocks CostsSection(const OptimizeResult& result);

// ---- about the tunables: tunables.cc ----
Blocks TunablesSection(const Job& job, const OptimizeResult& result);
// What was tried of a turn's candidate. Seed defaults that are the baseline have the speedup 1; what a confirmation
// found to be wrong counts as that.
std::vector<Tried> TriedOf(const Job& job, const OptimizeResult& result, int turn);

// ---- about who was asked: asking.cc; about the turns: turns.cc. Of runs that asked for candidates ----
// Rows of the facts: who was asked and how, replies, tokens, money, what went wrong.
std::vector<std::vector<Prose>> AskingFacts(const Job& job, const OptimizeResult& result);
Blocks TurnsSection(const Job& job, const OptimizeResult& result);
// Which turns the best kernel's prompt showed, and so on back to a first prompt.
Blocks LineageSection(const Job& job, const OptimizeResult& result);

// "turn 3, `BM=64`"; of a run that asked nobody the configuration alone.
Prose NameOf(const Job& job, const Judged& judged);

// The smallest difference that a screening resolves, as a fraction: the median over those that tell, and how many do.
struct ScreeningResolution {
  double difference = 0;
  size_t count = 0;  // 0: not known
};
ScreeningResolution ScreeningResolutionOf(const OptimizeResult& result);

}  // namespace kopt
