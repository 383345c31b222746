// What a cubin says of itself: an ELF file from the compiler, which hostile source has passed through. What is not
// understood is an error: a variable that is overlooked could keep state between calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace kopt {

struct CubinSymbols {
  // Device, constant and static variables, under the names that the driver finds them by.
  std::vector<std::string> variables;
  // What it refers to and does not define: vprintf, malloc, free, __assertfail, device-side launches.
  std::vector<std::string> imports;
};

// Errors: it is no ELF file for a GPU, it has no symbols, or a table, section or name is not where it should be.
Result<CubinSymbols> SymbolsOf(std::string_view cubin);

}  // namespace kopt
