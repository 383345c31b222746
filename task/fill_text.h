// The text of a fill, `normal(0, 1)`, and what fits which element type. docs/spec.md lists the fills.
#pragma once

#include <string_view>

#include "base/error.h"
#include "task/spec.h"

namespace kopt {

// The arguments are constant expressions. Errors carry `column`, 1-based within `text`, and `key`, the fill's name.
Result<Fill> ParseFill(std::string_view text);

// Refuses a fill whose values `dtype` cannot hold or that makes no sense for it: normal on an integer, int beyond the
// range that the type holds exactly.
Result<void> CheckFill(const Fill& fill, DType dtype);

// The same for what depends on a tensor's extents: the largest value of index and permutation.
Result<void> CheckFillExtent(const Fill& fill, const BoundTensor& tensor);

}  // namespace kopt
