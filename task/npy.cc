#include "task/npy.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>

#include "task/nearest.h"

namespace kopt {
namespace {

constexpr std::string_view kHowToSave = "save it with numpy.save('x.npy', numpy.ascontiguousarray(a))";

// The value of 'key' in the header's dictionary: the text up to the next comma outside parentheses and quotes.
std::optional<std::string_view> Entry(std::string_view header, std::string_view key) {
  const std::string quoted = fmt::format("'{}':", key);
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = header.substr(at + quoted.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  int depth = 0;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '(' || rest[i] == '[') ++depth;
    if (rest[i] == ')' || rest[i] == ']') --depth;
    if (depth <= 0 && (rest[i] == ',' || rest[i] == '}')) return rest.substr(0, i);
  }
  return std::nullopt;
}

// "(3, 4)", "(3,)", "()".
std::optional<std::vector<long long>> Extents(std::string_view text) {
  if (!text.starts_with('(') || !text.ends_with(')')) return std::nullopt;
  std::vector<long long> extents;
  const char* at = text.data() + 1;
  const char* end = text.data() + text.size() - 1;
  while (at < end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    long long extent = 0;
    const auto [stop, code] = std::from_chars(at, end, extent);
    if (code != std::errc() || extent < 0) return std::nullopt;
    extents.push_back(extent);
    at = stop;
  }
  return extents;
}

std::optional<size_t> ElementSize(std::string_view type) {
  if (const auto dtype = NpyDType(type)) return Size(*dtype);
  if (type == "<V2" || type == "|V2") return 2;
  if (type == "<V1" || type == "|V1") return 1;
  return std::nullopt;
}

// Header text and what follows it.
struct Parts {
  std::string_view header, elements;
};

std::optional<Parts> SplitFile(std::string_view file) {
  if (file.size() < 12 || !file.starts_with("\x93NUMPY")) return std::nullopt;
  const bool first = file[6] == 1;
  if (file[6] < 1 || file[6] > 3) return std::nullopt;
  uint32_t length = 0;
  std::memcpy(&length, file.data() + 8, first ? 2 : 4);
  const size_t start = first ? 10 : 12;
  if (length > file.size() - start) return std::nullopt;
  return Parts{file.substr(start, length), file.substr(start + length)};
}

bool HoldsBits(std::string_view type, DType dtype) {
  const bool has_no_numpy_type = dtype == DType::kBF16 || dtype == DType::kE4M3 || dtype == DType::kE5M2;
  if (!has_no_numpy_type || ElementSize(type) != Size(dtype)) return false;
  return type.find_first_of("uV") != std::string_view::npos;
}

bool Fits(DType dtype, long long value) {
  if (dtype == DType::kBool) return value == 0 || value == 1;
  if (Size(dtype) == 8) return IsSigned(dtype) || value >= 0;
  const int bits = static_cast<int>(Size(dtype)) * 8;
  const long long low = IsSigned(dtype) ? -(1LL << (bits - 1)) : 0;
  return value >= low && value < low + (1LL << bits);
}

}  // namespace

std::optional<DType> NpyDType(std::string_view type) {
  if (type.size() != 3 || (type[0] != '<' && type[0] != '|')) return std::nullopt;
  const std::string_view name = type.substr(1);
  if (name == "b1") return DType::kBool;
  if (name[0] != 'f' && name[0] != 'i' && name[0] != 'u') return std::nullopt;
  return ParseDType(fmt::format("{}{}", name[0], 8 * (name[1] - '0')));
}

Result<NpyArray> ParseNpy(std::string_view file) {
  const auto parts = SplitFile(file);
  if (!parts) return UsageError("this is not a .npy file", std::string(kHowToSave));
  const auto type = Entry(parts->header, "descr");
  const auto order = Entry(parts->header, "fortran_order");
  const auto shape = Entry(parts->header, "shape");
  const auto extents = shape ? Extents(*shape) : std::nullopt;
  if (!type || !order || !extents) return UsageError("the header of the .npy file is damaged", std::string(kHowToSave));
  NpyArray array{.type = std::string(*type), .shape = *extents, .elements = parts->elements};
  if (array.type.size() > 2 && array.type.front() == '\'') array.type = array.type.substr(1, array.type.size() - 2);
  const auto size = ElementSize(array.type);
  if (!size) {
    return UsageError(fmt::format("the element type {} of the .npy file is not supported", Shown(array.type)),
                      "save little-endian floats, integers or bools");
  }
  if (*order != "False") return UsageError("the .npy file is in Fortran order", std::string(kHowToSave));
  size_t bytes = *size;
  for (const long long extent : array.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes)) bytes = SIZE_MAX;
  }
  if (bytes != array.elements.size()) {
    return UsageError(
        fmt::format("the .npy file holds {} bytes of elements, its header announces {}", array.elements.size(), bytes),
        "the file is cut off or damaged");
  }
  return array;
}

Result<void> CanConvert(const NpyArray& array, DType dtype) {
  const auto from = NpyDType(array.type);
  if (HoldsBits(array.type, dtype) || (from && (IsFloating(dtype) || !IsFloating(*from)))) return {};
  return UsageError(fmt::format("elements of type {} cannot fill a tensor of {}", array.type, Name(dtype)),
                    "convert the array with astype before saving it");
}

Result<void> ConvertNpy(const NpyArray& array, DType dtype, std::span<std::byte> out) {
  KOPT_CHECK(CanConvert(array, dtype));
  if (HoldsBits(array.type, dtype)) {
    std::memcpy(out.data(), array.elements.data(), std::min(out.size(), array.elements.size()));
    return {};
  }
  const auto from = NpyDType(array.type);
  const auto* data = reinterpret_cast<const std::byte*>(array.elements.data());
  const size_t count = std::min(array.elements.size() / Size(*from), out.size() / Size(dtype));
  for (size_t i = 0; i < count; ++i) {
    if (IsFloating(dtype)) {
      StoreReal(dtype, out.data(), i, LoadReal(*from, data, i));
      continue;
    }
    const long long value = LoadInt(*from, data, i);
    const bool wraps = *from == DType::kU64 && dtype != DType::kU64 && value < 0;
    const bool same = *from == DType::kU64 && dtype == DType::kU64;
    if (wraps || (!same && !Fits(dtype, value))) {
      return UsageError(fmt::format("element {} of the .npy file, {}, does not fit {}", i,
                                    wraps ? fmt::format("{}", static_cast<uint64_t>(value)) : fmt::format("{}", value),
                                    Name(dtype)));
    }
    StoreInt(dtype, out.data(), i, value);
  }
  return {};
}

std::string_view NpyType(DType dtype) {
  static constexpr std::string_view kTypes[] = {"<f8", "<f4", "<f2", "<u2", "|u1", "|u1", "<i8", "<i4",
                                                "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"};
  return kTypes[static_cast<size_t>(dtype)];
}

std::string NpyFile(std::string_view type, std::span<const long long> shape, std::span<const std::byte> elements) {
  constexpr size_t kAlign = 64;
  std::string extents;
  for (const long long extent : shape) extents += fmt::format("{}, ", extent);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, extents);
  header.append(kAlign - (10 + header.size() + 1) % kAlign, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\0", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  file += header;
  if (!elements.empty()) file.append(reinterpret_cast<const char*>(elements.data()), elements.size());
  return file;
}

}  // namespace kopt
