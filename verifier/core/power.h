// The power of a spec's check: wrong answers that it must refuse. Pure: the verifier brings truths and inputs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "task/spec.h"
#include "verifier/core/compare.h"
#include "verifier/core/verifier.h"

namespace kopt {

// Something handed in for an output, as the bytes of its storage.
struct WrongAnswer {
  std::string attempt;   // as PowerRow::attempt
  bool required = true;  // as PowerRow::required
  std::vector<std::byte> bytes;
};

// The right answer: the truth rounded to the output's dtype, in its layout. Gaps between strides and elements that were
// not computed are 0.
std::vector<std::byte> RoundTruth(const BoundTensor& tensor, const Truth& truth);

// The wrong answers for tensor number `output` of `task`: zero; a constant (the median of the truth, of integers the
// most frequent value); the answer to another input set, if `other` holds one; and a copy of each input of the same
// shape, converted, not required under `identity`. `storage` has the bytes of each tensor, empty where none is read.
// An output that is not compared (`compare = "any"`) without `accept` can refuse nothing: no rows.
std::vector<WrongAnswer> WrongAnswers(const BoundTask& task, size_t output, const Truth& truth, const Truth& other,
                                      std::span<const std::span<const std::byte>> storage);

// Hands `wrong` in for the output. `shape` is copied to the row.
PowerRow HandIn(const BoundTensor& tensor, const Truth& truth, const WrongAnswer& wrong, int shape);

// The answer that was right before input `redrawn` changed. Not required by itself: one output of the task must refuse.
WrongAnswer AnswerBefore(const BoundTensor& tensor, const Truth& before, const std::string& redrawn);

// The tolerance at a shape, in figures.
ToleranceRow ToleranceOf(const BoundTensor& tensor, const Truth& truth, int shape);

}  // namespace kopt
