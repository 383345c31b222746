#include "verifier/oracle/oracle_faults.h"

#include <algorithm>

#include "base/compiler_place.h"

namespace kopt {
namespace {

std::unexpected<Error> SpecError(const Spec& spec, int line, std::string message, std::string hint = "") {
  return std::unexpected(Error{
      .exit = Exit::kUsage, .message = std::move(message), .file = spec.file, .line = line, .hint = std::move(hint)});
}

}  // namespace

Result<void> CheckOracleControl(const Spec& spec, const BoundTask& task, const OracleControl& control) {
  if (control.error_kind == 0) return {};
  const auto tensor = static_cast<size_t>(
      std::clamp<long long>(control.error_tensor, 0, static_cast<long long>(task.tensors.size()) - 1));
  const BoundTensor& bound = task.tensors[tensor];
  const int line = spec.references.empty() ? 0 : spec.references[0].code_position.line;
  if (control.error_kind == 1) {
    return SpecError(spec, line,
                     fmt::format("two index tuples of a reference write {}{} with `=`", bound.tensor->name,
                                 bound.Coordinates(control.error_index)),
                     "use `+=`, or let one tuple write it");
  }
  return SpecError(
      spec, line,
      fmt::format("a reference reaches outside `{}` (linear index {})", bound.tensor->name, control.error_index));
}

Error ReferencesDoNotCompile(const Spec& spec, const std::string& reason, const std::string& log) {
  const CompilerPlace place = PlaceIn(spec.file, reason);
  return {.exit = Exit::kUsage,
          .message = "the references do not compile: " + place.words,
          .file = spec.file,
          .line = place.line,
          .column = place.column,
          .key = "reference",
          .hint = "the names in scope are in docs/spec.md, \"References\"",
          .log = log};
}

Error NeverWritten(const Spec& spec, const BoundTensor& bound, long long element) {
  return {.exit = Exit::kUsage,
          .message = fmt::format("no reference writes {}{}", bound.tensor->name, bound.Coordinates(element)),
          .file = spec.file,
          .line = spec.references.empty() ? 0 : spec.references.back().code_position.line,
          .hint = "every element of an output needs a value"};
}

std::string AcceptRefusal(const Tensor& tensor, const OracleControl& control) {
  if (control.rejected == 0) return "";
  return fmt::format("the accept predicate of `{}` refuses {} index tuples, the first is number {}", tensor.name,
                     control.rejected, control.first_rejected);
}

bool HoldsIntegers(const Tensor& tensor) { return tensor.role != Tensor::Role::kTemp && !IsFloating(tensor.dtype); }

}  // namespace kopt
