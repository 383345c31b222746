// The assembler's complaints name lines of PTX that nobody has seen. PTX with line information says which line of the
// source each of them comes from.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

// Does the assembler complain of a line?
bool NamesPtxLines(std::string_view log);

// `log` with "candidate.cu(12): error:" in place of "ptxas application ptx input, line 153; error   :", where `ptx`
// knows it: by the last .loc before that line, and the .file that it names.
std::string WithSourceLines(std::string_view log, std::string_view ptx);

}  // namespace kopt
