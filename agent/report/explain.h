// Why a kernel takes the time it takes: what it does in a second against what the device can, and what the compiler
// made of its loops.
#pragma once

#include <string>
#include <vector>

#include "agent/report/document.h"
#include "task/spec.h"
#include "verifier/core/verifier.h"

namespace kopt {

// A call at one scored shape. What is not known or not declared is 0.
struct ShapeRates {
  std::string shape;                 // "M=384 N=512 K=384"
  double seconds = 0;                // a call
  double operations = 0, bytes = 0;  // a second
  double peak_operations = 0;        // of the declared unit
  double peak_bytes = 0;             // at the task's mix of reads and writes
  double least_seconds = 0;          // what the peaks allow
  bool arithmetic = false;           // operations, not bytes, decide that
};

// From the `shapes` of a verdict's evidence; empty if it has none, or not one for each scored shape.
std::vector<ShapeRates> RatesOf(const Spec& spec, Target target, const nlohmann::ordered_json& evidence,
                                const Peaks& peaks);

// One or more sentences: rates, peaks, the bound that applies, the distance from it.
Prose RatesText(const ShapeRates& rates, std::string_view unit);
// Bars of both rates as parts of the peaks; empty if no peak is known.
std::string RatesPicture(const std::vector<ShapeRates>& rates);

// The name in the source by which it says that it is vectorised by hand (a vector type, an intrinsic, assembly); empty
// if there is none.
std::string ExplicitVectors(std::string_view source);
// `vectorised`: as a confirmation's evidence has it.
Prose VectorisationText(const nlohmann::ordered_json& vectorised, std::string_view source);

// What the compiler gave the kernels: `kernels` as in the evidence of a cuda verdict; empty where there is nothing.
Prose KernelsText(const nlohmann::ordered_json& kernels);

}  // namespace kopt
