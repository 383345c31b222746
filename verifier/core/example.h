// An input set with its right answers, in a form that a test outside kopt can use: values and allowed errors, no rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "task/spec.h"
#include "verifier/core/compare.h"

namespace kopt {

// What one output must hold, by logical element, row-major. A result `got` is right for element i if
//   limit[i] is NaN: always;
//   value[i] is NaN: if it is NaN; value[i] is infinite: if it is that infinity (e4m3, which has none: NaN);
//   it is finite: if abs(got - value[i]) <= limit[i];
//   it is not: if abs(value[i]) + limit[i] >= overflow and it is what a value of that sign and size is stored as
//   (never if overflow is NaN).
struct Expected {
  std::vector<double> value;       // floating outputs
  std::vector<long long> integer;  // integer and bool outputs (u64: same bits); a bool is one byte, 0 or 1
  std::vector<double> limit;
  double overflow = std::numeric_limits<double>::quiet_NaN();
};

// By the rule of CompareOutput, less its demand on the root mean square. Empty where the rule is not asked: for
// compare = "any" and outputs with a predicate.
Expected ExpectedOf(const BoundTensor& tensor, const Truth& truth);

struct Example {
  std::vector<std::vector<std::byte>> inputs;  // by tensor number: storage of inputs and inouts, else empty
  std::vector<uint64_t> scalars;               // ScalarBits, by scalar number
  std::vector<Expected> outputs;               // by tensor number: outputs and inouts, else empty
};

}  // namespace kopt
