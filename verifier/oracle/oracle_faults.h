// What an oracle's run found wrong, in words, for every target.
#pragma once

#include <string>

#include "base/error.h"
#include "verifier/oracle/oracle_source.h"

namespace kopt {

// A usage error where the references did what they must not: wrote an element twice, reached outside of a tensor.
Result<void> CheckOracleControl(const Spec& spec, const BoundTask& task, const OracleControl& control);

// References that the compiler refuses: its first error, which has the spec's own line, and all of its words.
Error ReferencesDoNotCompile(const Spec& spec, const std::string& reason, const std::string& log);

// An element of an output that no reference wrote.
Error NeverWritten(const Spec& spec, const BoundTensor& bound, long long element);

// Why the accept predicate of an output refuses; empty if it does not.
std::string AcceptRefusal(const Tensor& tensor, const OracleControl& control);

// An output or inout whose truth is kept as integers.
bool HoldsIntegers(const Tensor& tensor);

}  // namespace kopt
