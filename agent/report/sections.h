// The sections of a report, in parts that agent/report/report.cc puts in order. A section without content is empty.
#pragma once

#include <vector>

#include "agent/optimize.h"
#include "agent/report/document.h"
#include "agent/report/sensitivity.h"

namespace kopt {

using Blocks = std::vector<Block>;

// ---- about the result: report_result.cc ----
Blocks FactsSection(const Job& job, const OptimizeResult& result);
Blocks BoundSection(const Job& job, const OptimizeResult& result);
Blocks MeaningSection(const Job& job, const OptimizeResult& result);
Blocks KernelSection(const Job& job, const OptimizeResult& result);
Blocks EvidenceSection(const OptimizeResult& result);
Blocks ConfirmationsSection(const OptimizeResult& result);

// ---- about the search: report_search.cc ----
Blocks SearchSection(const Job& job, const OptimizeResult& result);
Blocks OutcomesSection(const OptimizeResult& result);
Blocks BestScreenedSection(const OptimizeResult& result);
Blocks CostsSection(const OptimizeResult& result);

// ---- about the tunables: report_tunables.cc ----
Blocks TunablesSection(const Job& job, const OptimizeResult& result);
// What was tried. Seed defaults that are the baseline have the speedup 1; what a confirmation found to be wrong counts
// as that.
std::vector<Tried> TriedOf(const Job& job, const OptimizeResult& result);

// The smallest difference that a screening resolves, as a fraction: the median over those that tell, and how many do.
struct ScreeningResolution {
  double difference = 0;
  size_t count = 0;  // 0: not known
};
ScreeningResolution ScreeningResolutionOf(const OptimizeResult& result);

}  // namespace kopt
