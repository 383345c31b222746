// libnvJitLink, CUDA's assembler and linker as a library.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"

namespace kopt {

// A cubin for `architecture` ("sm_90a") from PTX. `log`: what the assembler says of each kernel. Errors: the library at
// this path is not there, cannot be loaded or lacks a function (exit 3), or refuses the text; with its words in the
// log.
Result<std::string> Assemble(const std::filesystem::path& library, const std::string& architecture,
                             const std::string& ptx, std::string& log);

}  // namespace kopt
