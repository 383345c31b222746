#include "task/fill_text.h"

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "task/nearest.h"

namespace kopt {
namespace {

struct Kind {
  std::string_view name;
  Fill::Kind kind;
  size_t arguments;
  std::string_view form;  // as it must be written
};
constexpr std::array<Kind, 6> kKinds = {{{"normal", Fill::Kind::kNormal, 2, "normal(mean, sd)"},
                                         {"uniform", Fill::Kind::kUniform, 2, "uniform(a, b)"},
                                         {"int", Fill::Kind::kInt, 2, "int(a, b)"},
                                         {"index", Fill::Kind::kIndex, 0, "index"},
                                         {"permutation", Fill::Kind::kPermutation, 0, "permutation"},
                                         {"file", Fill::Kind::kFile, 1, "file(x.npy)"}}};

const Kind& KindOf(Fill::Kind kind) { return kKinds[static_cast<size_t>(kind)]; }

std::unexpected<Error> Fail(int column, std::string message, std::string_view key, std::string hint = "") {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = std::move(message),
                               .column = column,
                               .key = std::string(key),
                               .hint = std::move(hint)});
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

int ColumnIn(std::string_view whole, std::string_view part) { return static_cast<int>(part.data() - whole.data()) + 1; }

// "a, b" at commas outside parentheses, trimmed; views into `text`.
std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '(') ++depth;
    if (i < text.size() && text[i] == ')') --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    std::string_view part = Trim(text.substr(begin, i - begin));
    parts.push_back(part.empty() ? text.substr(begin, 0) : part);
    begin = i + 1;
  }
  return parts;
}

Result<double> Constant(std::string_view whole, std::string_view part, std::string_view key) {
  auto value = Expr::Parse(part);
  if (value && !value->Names().empty()) {
    return Fail(ColumnIn(whole, part), fmt::format("`{}` is not a number", Shown(part)), key,
                "the arguments of a fill are constants; what depends on a dim is written with `code`");
  }
  Result<double> number = value ? value->Real({}) : std::unexpected(value.error());
  if (!number) {
    number.error().column = ColumnIn(whole, part) + std::max(number.error().column, 1) - 1;
    number.error().key = key;
    return number;
  }
  if (!std::isfinite(*number)) return Fail(ColumnIn(whole, part), fmt::format("`{}` is not finite", part), key);
  return number;
}

Result<void> CheckArguments(const Fill& fill, int column) {
  const std::string_view name = KindOf(fill.kind).name;
  if (fill.kind == Fill::Kind::kNormal && fill.b <= 0) {
    return Fail(column, fmt::format("the standard deviation {} is not positive", fill.b), name);
  }
  if (fill.kind == Fill::Kind::kUniform && fill.a >= fill.b) {
    return Fail(column, fmt::format("the range is empty: {} is not below {}", fill.a, fill.b), name);
  }
  if (fill.kind != Fill::Kind::kInt) return {};
  if (fill.a != std::floor(fill.a) || fill.b != std::floor(fill.b)) {
    return Fail(column, "the ends of int(a, b) must be integers", name, "uniform(a, b) gives fractions");
  }
  if (fill.a > fill.b) return Fail(column, fmt::format("the range is empty: {} is above {}", fill.a, fill.b), name);
  if (std::fmax(std::fabs(fill.a), std::fabs(fill.b)) > 0x1p53) {
    return Fail(column, "the ends of int(a, b) may not be beyond 2^53", name);
  }
  return {};
}

// The integers from `low` to `high` are held exactly.
struct Range {
  double low, high;
};

Range ExactIntegers(DType dtype) {
  if (IsFloating(dtype)) return {-1 / UnitRoundoff(dtype), 1 / UnitRoundoff(dtype)};
  if (dtype == DType::kBool) return {0, 1};
  const int bits = static_cast<int>(Size(dtype)) * 8 - (IsSigned(dtype) ? 1 : 0);
  return {IsSigned(dtype) ? -std::ldexp(1, bits) : 0, std::ldexp(1, bits) - 1};
}

std::unexpected<Error> Misfit(const Fill& fill, DType dtype, std::string_view why, std::string hint = "") {
  return Fail(0, fmt::format("{} does not suit {}: {}", fill.text, Name(dtype), why), KindOf(fill.kind).name,
              std::move(hint));
}

}  // namespace

Result<Fill> ParseFill(std::string_view text) {
  const std::string_view trimmed = Trim(text);
  const size_t open = trimmed.find('(');
  const std::string_view name = Trim(trimmed.substr(0, open));
  const Kind* kind = nullptr;
  std::vector<std::string> names;
  for (const Kind& known : kKinds) {
    names.emplace_back(known.name);
    if (known.name == name) kind = &known;
  }
  if (kind == nullptr) {
    return Fail(1, fmt::format("unknown fill `{}`", Shown(name)), Shown(name), NearestHint(name, names));
  }
  const int column = ColumnIn(text, name);
  Fill fill{.kind = kind->kind, .a = 0, .b = 0, .text = std::string(trimmed)};
  std::vector<std::string_view> arguments;
  if (open != std::string_view::npos) {
    if (!trimmed.ends_with(')')) return Fail(column, fmt::format("`{}` lacks its `)`", Shown(trimmed)), name);
    const std::string_view inside = Trim(trimmed.substr(open + 1, trimmed.size() - open - 2));
    if (kind->kind == Fill::Kind::kFile) {
      fill.file = inside;
      arguments.assign(inside.empty() ? 0 : 1, inside);
    } else if (!inside.empty()) {
      arguments = Split(inside);
    }
  }
  if (arguments.size() != kind->arguments) {
    return Fail(column, fmt::format("`{}` takes {} arguments, not {}", name, kind->arguments, arguments.size()), name,
                fmt::format("write {}", kind->form));
  }
  if (kind->arguments == 2) {
    KOPT_TRY(fill.a, Constant(text, arguments[0], name));
    KOPT_TRY(fill.b, Constant(text, arguments[1], name));
  }
  KOPT_CHECK(CheckArguments(fill, column));
  return fill;
}

Result<void> CheckFill(const Fill& fill, DType dtype) {
  switch (fill.kind) {
    case Fill::Kind::kNormal:
    case Fill::Kind::kUniform: {
      if (!IsFloating(dtype)) return Misfit(fill, dtype, "it gives fractions", "int(a, b) gives integers");
      const double reach = fill.kind == Fill::Kind::kNormal ? std::fabs(fill.a) + 8 * fill.b
                                                            : std::fmax(std::fabs(fill.a), std::fabs(fill.b));
      if (reach <= LargestFinite(dtype)) return {};
      return Misfit(fill, dtype,
                    fmt::format("it reaches {:g}, the largest value is {:g}", reach, LargestFinite(dtype)));
    }
    case Fill::Kind::kInt: {
      const Range range = ExactIntegers(dtype);
      if (fill.a >= range.low && fill.b <= range.high) return {};
      return Misfit(fill, dtype, fmt::format("it holds the integers from {:.0f} to {:.0f}", range.low, range.high));
    }
    case Fill::Kind::kIndex:
    case Fill::Kind::kPermutation:
      if (dtype == DType::kBool) return Misfit(fill, dtype, "a bool holds 0 and 1", "int(0, 1) gives both");
      return {};
    case Fill::Kind::kFile:
      return {};
  }
  return {};
}

Result<void> CheckFillExtent(const Fill& fill, const BoundTensor& tensor) {
  long long count = 0;
  if (fill.kind == Fill::Kind::kIndex) count = tensor.elements;
  if (fill.kind == Fill::Kind::kPermutation) count = tensor.shape.empty() ? 1 : tensor.shape.back();
  const DType dtype = tensor.tensor->dtype;
  if (count == 0 || static_cast<double>(count - 1) <= ExactIntegers(dtype).high) return {};
  return Misfit(fill, dtype,
                fmt::format("it gives the integers up to {}, exact are those up to {:.0f}", count - 1,
                            ExactIntegers(dtype).high));
}

}  // namespace kopt
