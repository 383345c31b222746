// Reader and writer of NumPy's .npy files (format versions 1, 2 and 3; little-endian, C order).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "task/dtype.h"

namespace kopt {

struct NpyArray {
  std::string type;  // as NumPy writes it: "<f4", "|u1", "<V2"
  std::vector<long long> shape;
  std::string_view elements;  // into the file's text, row-major
};

// Views into `file`, the whole file. Errors say what is wrong and how to save it so that it can be read.
Result<NpyArray> ParseNpy(std::string_view file);

// The element type behind NumPy's name, or nothing for types kopt does not read.
std::optional<DType> NpyDType(std::string_view type);

// Whether ConvertNpy knows this pair of types; single values may still not fit.
Result<void> CanConvert(const NpyArray& array, DType dtype);

// Converts all elements to `dtype` into `out` (elements * Size(dtype) bytes, row-major). Floating types are rounded;
// integers must fit; a bf16, e4m3 or e5m2 tensor takes unsigned integers (or void) of its width as bits.
Result<void> ConvertNpy(const NpyArray& array, DType dtype, std::span<std::byte> out);

// NumPy's name for elements of `dtype`; bf16, e4m3 and e5m2 go as unsigned integers of their width.
std::string_view NpyType(DType dtype);

// A whole file, format version 1: `elements` are those of an array of this shape, row-major.
std::string NpyFile(std::string_view type, std::span<const long long> shape, std::span<const std::byte> elements);

}  // namespace kopt
