// A verdict and its evidence as text for people. Everything in it that comes from a candidate is data: control
// characters are shown as escapes, long texts are cut.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "verifier/core/verdict.h"

namespace kopt {

// "mismatch at check: o[0, 1] is 0.25, ..."; for measured: "measured", or "measured (noisy)".
std::string Summary(const Verdict& verdict);

// One "key: value" line for each entry of the evidence; texts of several lines, lists of objects and a profile's lines
// are indented below their key. A profile's counters are left out. At most `most` characters. Empty without evidence.
std::string EvidenceText(const nlohmann::ordered_json& evidence, size_t most = 8000);

}  // namespace kopt
