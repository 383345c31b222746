// What a cubin says of itself: an ELF file from the compiler, which hostile source has passed through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace kopt {

struct CubinSymbols {
  // Device, constant and static variables, under the names that the driver finds them by.
  std::vector<std::string> variables;
  // Functions that it calls and does not define: vprintf, malloc, free, __assertfail, device-side launches.
  std::vector<std::string> imports;
};

// Errors: it is no ELF file of 64 bits, or its tables point outside of it.
Result<CubinSymbols> SymbolsOf(std::string_view cubin);

}  // namespace kopt
