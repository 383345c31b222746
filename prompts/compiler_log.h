// What matters of a compiler's output.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

// The first error with the lines that belong to it, then one line for each further error, up to a dozen, then how many
// more there are; long lines are cut. Reads what g++, NVRTC, ptxas and the linker write. A text without errors comes
// back as it is.
std::string ErrorsOf(std::string_view log);

}  // namespace kopt
