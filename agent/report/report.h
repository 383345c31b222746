// What a run ends with: the document of `optimize --json`, and the report for people. docs/report.md explains it.
#pragma once

#include <string>

#include "agent/optimize.h"
#include "agent/report/document.h"

namespace kopt {

// "improved", "no_improvement", "no_correct_candidate".
std::string OutcomeOf(const OptimizeResult& result);

nlohmann::ordered_json ResultDocument(const Job& job, const OptimizeResult& result);
Document Report(const Job& job, const OptimizeResult& result);

// {"BM": 64, "STAGES": 2}.
nlohmann::ordered_json TunablesJson(const Configuration& configuration);

}  // namespace kopt
