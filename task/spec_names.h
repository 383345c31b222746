// Which names a spec may give to dims, tensors, scalars and indices.
#pragma once

#include <string>
#include <string_view>

namespace kopt {

// A letter or `_`, then letters, digits and `_`.
bool IsIdentifier(std::string_view text);

// Why `name` cannot be used, or empty if it can. Names become C++ identifiers in one namespace with the standard
// headers, and a tensor `n` also declares the type `n_t`: both must be free.
std::string WhyRefused(std::string_view name);

}  // namespace kopt
