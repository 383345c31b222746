#include <algorithm>
#include <bit>
#include <cmath>

#include "task/fill_text.h"
#include "task/spec_parse.h"

namespace kopt {
namespace {

constexpr size_t kMostTensors = 256;
constexpr size_t kMostFurtherFills = 16;

using Role = Tensor::Role;

struct Group {
  std::string_view key;
  Role role;
};
constexpr Group kGroups[] = {
    {"input", Role::kInput}, {"inout", Role::kInout}, {"output", Role::kOutput}, {"temp", Role::kTemp}};

const Keys& KeysOf(Role role) {
  static const Keys input = {"name", "dtype", "shape", "fill", "code", "strides", "static", "also", "align"};
  static const Keys output = {"name",  "dtype",   "shape",  "strides",   "repeatable", "identity",
                              "align", "compare", "accept", "nonfinite", "rtol",       "atol"};
  static const Keys inout = [] {
    Keys both = input;
    for (const std::string& key : output) {
      if (std::find(both.begin(), both.end(), key) == both.end()) both.push_back(key);
    }
    return both;
  }();
  static const Keys temp = {"name", "shape"};
  switch (role) {
    case Role::kInput:
      return input;
    case Role::kInout:
      return inout;
    case Role::kOutput:
      return output;
    default:
      return temp;
  }
}

const Keys& DTypeNames() {
  static const Keys names = [] {
    Keys all;
    for (int i = 0; i < kDTypeCount; ++i) all.emplace_back(Name(static_cast<DType>(i)));
    return all;
  }();
  return names;
}

// The fill in `text`, if it parses and suits the type; problems are reported under `key`.
std::optional<Fill> ReadFill(const ParseContext& context, const Text& text, std::string_view key, DType dtype) {
  auto fill = ParseFill(text.value);
  Result<void> fits = fill ? CheckFill(*fill, dtype) : Result<void>();
  if (fill && fits) return *fill;
  const Error& error = fill ? fits.error() : fill.error();
  context.problems.AddWithin(text.position, fmt::format("`{}`: ", key), error, std::string(key));
  return std::nullopt;
}

class TensorParser {
 public:
  TensorParser(const ParseContext& context, TableReader& table, Tensor& tensor, size_t number)
      : context_(context), table_(table), tensor_(tensor), number_(number) {}

  void Parse() {
    tensor_.position = table_.position();
    if (tensor_.role != Role::kTemp) ParseType();
    ParseShape();
    if (tensor_.IsRead()) ParseContent();
    if (tensor_.IsWritten()) ParseComparison();
    tensor_.is_static = table_.Bool("static").value_or(false);
    tensor_.repeatable = table_.Bool("repeatable").value_or(false);
    tensor_.identity = table_.Bool("identity").value_or(false);
  }

 private:
  void ParseType() {
    table_.Require("dtype");
    if (const auto dtype = table_.OneOf("dtype", DTypeNames())) tensor_.dtype = static_cast<DType>(*dtype);
    if (const auto align = table_.Integer("align", 1, 4096)) {
      tensor_.align = static_cast<int>(*align);
      if (!std::has_single_bit(static_cast<unsigned>(*align))) {
        table_.Report("align", fmt::format("`align` must be a power of two, not {}", *align));
      } else if (static_cast<size_t>(*align) < Size(tensor_.dtype)) {
        table_.Report("align", fmt::format("`align` is less than one element of {}, {} bytes", Name(tensor_.dtype),
                                           Size(tensor_.dtype)));
      }
    }
  }

  void ParseShape() {
    table_.Require("shape");
    const auto shape = context_.ListOverDims(table_, "shape");
    const auto strides = context_.ListOverDims(table_, "strides");
    if (shape && shape->empty()) table_.Report("shape", "`shape` is empty", "write [1] for a single element");
    if (shape && strides && shape->size() != strides->size()) {
      table_.Report("strides", fmt::format("`strides` has {} entries, `shape` has {}", strides->size(), shape->size()));
    }
    tensor_.shape = shape.value_or(std::vector<Expr>());
    tensor_.strides = strides.value_or(std::vector<Expr>());
  }

  // fill or code, also
  void ParseContent() {
    const bool has_fill = table_.Has("fill"), has_code = table_.Has("code");
    if (has_fill && has_code) table_.Report("code", "`fill` and `code` exclude each other", "remove one of them");
    if (!has_fill && !has_code) {
      table_.Require("fill", "write fill = \"normal(0, 1)\", for example, or `code`");
    }
    if (const auto text = table_.String("fill")) AddFill(*text, "fill", tensor_.fill);
    if (has_code) tensor_.code = context_.ParseCode(table_, tensor_.code_position);
    const auto also = table_.Strings("also", kMostFurtherFills);
    if (also && has_code) table_.Report("also", "`also` goes with `fill`, not with `code`");
    for (const Text& text : also.value_or(std::vector<Text>())) {
      if (Fill fill; AddFill(text, "also", fill)) tensor_.also.push_back(std::move(fill));
    }
  }

  bool AddFill(const Text& text, std::string_view key, Fill& into) {
    const auto fill = ReadFill(context_, text, key, tensor_.dtype);
    if (!fill) return false;
    into = *fill;
    context_.draft.fills.push_back({number_, *fill, text.position});
    return true;
  }

  void ParseComparison() {
    static const Keys compare = {"close", "exact", "any"};
    static const Keys nonfinite = {"exact", "any", "forbidden"};
    const bool floating = IsFloating(tensor_.dtype);
    tensor_.compare = floating ? Compare::kClose : Compare::kExact;
    if (const auto index = table_.OneOf("compare", compare)) tensor_.compare = static_cast<Compare>(*index);
    if (const auto index = table_.OneOf("nonfinite", nonfinite)) {
      tensor_.nonfinite = static_cast<NonFinite>(*index);
      if (!floating) table_.Report("nonfinite", fmt::format("`nonfinite` means nothing for {}", Name(tensor_.dtype)));
    }
    tensor_.rtol = Tolerance("rtol");
    tensor_.atol = Tolerance("atol");
    if (tensor_.compare == Compare::kClose && !floating) CheckCloseIntegers();
    if (const toml::table* accept = table_.Table("accept")) ParseAccept(*accept);
  }

  std::optional<double> Tolerance(std::string_view key) {
    const auto value = table_.Number(key);
    if (!value) return std::nullopt;
    if (!std::isfinite(*value) || *value < 0) {
      table_.Report(key, fmt::format("`{}` must be a finite number, 0 or more, not {}", key, *value));
    } else if (tensor_.compare != Compare::kClose) {
      table_.Report(key, fmt::format("`{}` is for compare = \"close\"", key),
                    IsFloating(tensor_.dtype) ? "" : "integers and bools are compared exactly unless told otherwise");
    }
    return value;
  }

  void CheckCloseIntegers() {
    if (tensor_.dtype == DType::kBool) return table_.Report("compare", "a bool cannot be close: it is equal or not");
    if (tensor_.rtol || tensor_.atol) return;
    table_.Report("compare", fmt::format("compare = \"close\" for {} needs `rtol` or `atol`", Name(tensor_.dtype)),
                  "the rounding rule is for floating outputs");
  }

  void ParseAccept(const toml::table& source) {
    TableReader table = context_.Reader(source, fmt::format("`accept` of `{}`", tensor_.name), {"over", "code"});
    Accept accept;
    accept.over = context_.ParseOver(table);
    table.Require("code");
    accept.code = context_.ParseCode(table, accept.code_position);
    tensor_.accept = std::move(accept);
  }

  const ParseContext& context_;
  TableReader& table_;
  Tensor& tensor_;
  size_t number_;
};

void ParseTensor(const ParseContext& context, const toml::table& source, const Group& group) {
  const int before = context.problems.count();
  TableReader table = context.Reader(source, fmt::format("[[{}]]", group.key), KeysOf(group.role));
  Tensor tensor{.role = group.role};
  tensor.name = context.Name(table, group.key);
  const size_t number = context.draft.spec.tensors.size();
  TensorParser(context, table, tensor, number).Parse();
  if (context.problems.count() > before) context.draft.broken_tensors.insert(number);
  context.draft.spec.tensors.push_back(std::move(tensor));
}

void CheckScalarFill(const ParseContext& context, TableReader& table, const Text& text, Scalar& scalar) {
  scalar.fill = ReadFill(context, text, "fill", scalar.dtype);
  if (!scalar.fill) return;
  const auto kind = scalar.fill->kind;
  if (kind == Fill::Kind::kNormal || kind == Fill::Kind::kUniform || kind == Fill::Kind::kInt) return;
  table.Report("fill", fmt::format("`fill`: {} is not for scalars", scalar.fill->text), "normal, uniform and int are");
}

void ParseScalar(const ParseContext& context, const toml::table& source) {
  static const Keys keys = {"name", "dtype", "value", "fill"};
  const int before = context.problems.count();
  TableReader table = context.Reader(source, "[[scalar]]", keys);
  Scalar scalar{.position = table.position()};
  scalar.name = context.Name(table, "scalar");
  if (const auto dtype = table.OneOf("dtype", DTypeNames())) scalar.dtype = static_cast<DType>(*dtype);
  scalar.value = context.OverDims(table, "value");
  if (const auto text = table.String("fill")) CheckScalarFill(context, table, *text, scalar);
  if (table.Has("value") && table.Has("fill")) {
    table.Report("fill", "`value` and `fill` exclude each other", "remove one of them");
  }
  if (!table.Has("fill")) table.Require("value", "write value = \"1 / sqrt(D)\", for example, or `fill`");
  const size_t number = context.draft.spec.scalars.size();
  if (context.problems.count() > before) context.draft.broken_scalars.insert(number);
  context.draft.spec.scalars.push_back(std::move(scalar));
}

}  // namespace

void ParseTensors(const ParseContext& context, TableReader& root) {
  for (const Group& group : kGroups) {
    for (const toml::table* table : root.Tables(group.key, kMostTensors)) ParseTensor(context, *table, group);
  }
  const size_t count = context.draft.spec.tensors.size();
  if (count > kMostTensors) {
    context.problems.Add({}, fmt::format("the spec has {} tensors, at most {} are allowed", count, kMostTensors),
                         "input");
  }
}

void ParseScalars(const ParseContext& context, TableReader& root) {
  for (const toml::table* table : root.Tables("scalar", kMostTensors)) ParseScalar(context, *table);
}

}  // namespace kopt
