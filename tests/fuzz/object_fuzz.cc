// What compilers make of a candidate: ELF files, in which every offset may lie.
#include <string>

#include "tests/fuzz/fuzz.h"
#include "verifier/cpu/compile.h"
#include "verifier/cuda/cubin.h"

namespace kopt {
namespace {

void CheckNames(const std::vector<std::string>& names) {
  size_t bytes = 0;
  for (const std::string& name : names) bytes += name.size();
  Require(bytes <= size_t{16} << 20, "names take no more room than they may");
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kopt;
  const std::string_view object = TextOf(data, size);
  if (const auto forbidden = ForbiddenImports(object)) {
    CheckNames(*forbidden);
  } else {
    Require(!forbidden.error().message.empty(), "an object is refused with a reason");
  }
  if (const auto symbols = SymbolsOf(object)) {
    CheckNames(symbols->variables);
    CheckNames(symbols->imports);
  } else {
    Require(!symbols.error().message.empty(), "a cubin is refused with a reason");
  }
  return 0;
}
