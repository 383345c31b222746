#include "task/spec_parse.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "task/library_problem.h"
#include "task/nearest.h"
#include "task/spec_names.h"

namespace kopt {
namespace {

constexpr long long kVersion = 1;
constexpr size_t kMostDims = 64;
constexpr size_t kMostShapes = 256;
constexpr size_t kMostReferences = 64;
constexpr size_t kMostAxes = 16;
constexpr size_t kLargestExpressions = 64 << 10;
constexpr double kMostSeconds = 3600;

bool IsBlank(std::string_view text) { return text.find_first_not_of(" \t\r\n") == std::string_view::npos; }

bool IsWord(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return IsIdentifier(std::string_view(&c, 1)) || (c >= '0' && c <= '9') || c == '-';
  });
}

// ---- the head of the file ----

// A later version may have other keys: nothing else of the file is looked at then.
bool IsLaterVersion(const ParseContext& context, const toml::table& source) {
  const toml::node* node = source.get("kopt");
  if (node == nullptr || !node->is_integer()) return false;
  const long long version = node->as_integer()->get();
  if (version <= kVersion) return false;
  context.problems.Add(
      PositionOf(*node),
      fmt::format("the spec is in version {} of the format, this kopt reads version {}", version, kVersion), "kopt",
      "use a later kopt");
  return true;
}

void ParseTitle(const ParseContext& context, TableReader& root) {
  root.Require("name");
  if (const auto name = root.String("name")) {
    context.draft.spec.name = name->value;
    if (!IsWord(name->value)) {
      root.Report("name", fmt::format("`name` cannot be \"{}\"", Shown(name->value)),
                  "letters, digits, _ and -, 64 at most: folders are named by it");
    }
  }
  if (const auto summary = root.String("summary")) context.draft.spec.summary = Shown(summary->value, 1000);
}

void ParseDims(const ParseContext& context, TableReader& root) {
  root.Require("dims", "list every dim: dims = [\"B\", \"S\"]");
  const auto dims = root.Strings("dims", kMostDims);
  context.draft.dims_known = dims.has_value();
  for (const Text& dim : dims.value_or(std::vector<Text>())) {
    context.CheckName(dim, "dims");
    context.draft.names.push_back({dim.value, "dim", dim.position});
    context.draft.spec.dims.push_back(dim.value);
  }
}

void ParseDynamic(const ParseContext& context, TableReader& root) {
  Spec& spec = context.draft.spec;
  for (const Text& dim : root.Strings("dynamic", kMostDims).value_or(std::vector<Text>())) {
    if (std::find(spec.dims.begin(), spec.dims.end(), dim.value) == spec.dims.end()) {
      if (!context.draft.dims_known) continue;
      context.problems.Add(dim.position, fmt::format("`dynamic` names `{}`, which is not in `dims`", Shown(dim.value)),
                           "dynamic", NearestHint(dim.value, spec.dims));
    } else if (spec.IsDynamic(dim.value)) {
      context.problems.Add(dim.position, fmt::format("`dynamic` names `{}` twice", dim.value), "dynamic");
    } else {
      spec.dynamic.push_back(dim.value);
    }
  }
}

// ---- shapes ----

std::optional<Shape> ParseShape(const ParseContext& context, const toml::table& source, std::string_view key) {
  const std::vector<std::string>& dims = context.draft.spec.dims;
  Keys keys = dims;
  keys.emplace_back("target");
  const int before = context.problems.count();
  TableReader table = context.Reader(source, fmt::format("[[{}]]", key), keys);
  Shape shape{.position = table.position()};
  if (const auto target = table.OneOf("target", {"cpu", "cuda"})) shape.target = static_cast<Target>(*target);
  for (const std::string& dim : dims) {
    table.Require(dim, fmt::format("every [[{}]] binds every dim", key));
    if (const auto value = table.Integer(dim, 1, 1LL << 40)) shape.dims[dim] = *value;
  }
  if (context.problems.count() > before) return std::nullopt;
  return shape;
}

void ParseShapes(const ParseContext& context, TableReader& root, std::string_view key, std::vector<Shape>& shapes) {
  const auto tables = root.Tables(key, kMostShapes);
  if (!context.draft.dims_known) return;
  for (const toml::table* table : tables) {
    if (auto shape = ParseShape(context, *table, key)) shapes.push_back(*std::move(shape));
  }
}

// ---- references ----

void ParseReference(const ParseContext& context, const toml::table& source) {
  static const Keys keys = {"over", "code", "pytorch"};
  const int before = context.problems.count();
  TableReader table = context.Reader(source, "[[reference]]", keys);
  if (table.Has("pytorch")) {
    context.draft.broken_references = true;
    return table.Report("pytorch", "PyTorch references are not supported yet",
                        "write the reference as `over` and `code`");
  }
  Reference reference;
  table.Require("over", "write over = [\"b:B\", \"i:S\"], for example; [] runs the code once");
  table.Require("code");
  reference.over = context.ParseOver(table);
  reference.code = context.ParseCode(table, reference.code_position);
  if (context.problems.count() > before) context.draft.broken_references = true;
  context.draft.spec.references.push_back(std::move(reference));
}

// ---- the single tables ----

// The widest floating input: the one with the finest rounding. e5m2, which no [precision] names, counts as f16, and so
// does nothing finer than it.
std::string WidestInput(const Spec& spec) {
  std::optional<DType> widest;
  for (const Tensor& tensor : spec.tensors) {
    if (!tensor.IsRead() || !IsFloating(tensor.dtype)) continue;
    if (!widest || UnitRoundoff(tensor.dtype) < UnitRoundoff(*widest)) widest = tensor.dtype;
  }
  if (!widest) return "f32";
  return *widest == DType::kE5M2 ? "f16" : std::string(Name(*widest));
}

void ParsePrecision(const ParseContext& context, TableReader& root) {
  static const Keys formats = {"f64", "f32", "tf32", "f16", "bf16", "e4m3"};
  Precision& precision = context.draft.spec.precision;
  std::optional<size_t> multiply, accumulate;
  if (const toml::table* source = root.Table("precision")) {
    TableReader table = context.Reader(*source, "[precision]", {"multiply", "accumulate"});
    multiply = table.OneOf("multiply", formats);
    accumulate = table.OneOf("accumulate", formats);
    precision.declared = true;
  }
  precision.multiply = multiply ? formats[*multiply] : WidestInput(context.draft.spec);
  precision.accumulate = accumulate ? formats[*accumulate] : precision.multiply == "f64" ? "f64" : "f32";
  precision.multiply_roundoff = *PrecisionRoundoff(precision.multiply);
  precision.accumulate_roundoff = *PrecisionRoundoff(precision.accumulate);
}

void ParseWork(const ParseContext& context, TableReader& root) {
  static const Keys units = {"f64",         "f32",        "f16",         "bf16",       "i32",
                             "tf32_tensor", "f16_tensor", "bf16_tensor", "fp8_tensor", "i8_tensor"};
  const toml::table* source = root.Table("work");
  if (source == nullptr) return;
  TableReader table = context.Reader(*source, "[work]", {"flops", "read", "write", "unit"});
  Work& work = context.draft.spec.work;
  work.position = table.position();
  work.flops = context.OverDims(table, "flops");
  work.read = context.OverDims(table, "read");
  work.write = context.OverDims(table, "write");
  if (const auto unit = table.OneOf("unit", units)) work.unit = units[*unit];
}

// [seed] and [baseline]: a source file per target.
void ParseFiles(const ParseContext& context, TableReader& root, std::string_view key,
                std::map<Target, std::string>& files) {
  const toml::table* source = root.Table(key);
  if (source == nullptr) return;
  Keys keys = {"cpu", "cuda"};
  if (key == "baseline") keys.emplace_back("library");
  TableReader table = context.Reader(*source, fmt::format("[{}]", key), keys);
  for (const Target target : {Target::kCpu, Target::kCuda}) {
    const auto file = table.String(Name(target));
    if (!file) continue;
    if (IsBlank(file->value) || file->value.find('\0') != std::string::npos) {
      table.Report(Name(target), "this is not the name of a file", "paths are relative to the spec");
    }
    files[target] = file->value;
  }
  if (key != "baseline") return;
  if (const auto library = table.OneOf("library", LibraryNames()))
    context.draft.spec.library = LibraryNames()[*library];
  if (!context.draft.spec.library.empty() && files.contains(Target::kCuda)) {
    table.Report("library", "`library` and `cuda` both name the baseline of the cuda target", "keep one of them");
  }
}

void ReadSeconds(TableReader& table, std::string_view key, double& seconds) {
  const auto value = table.Number(key);
  if (!value) return;
  if (*value > 0 && *value <= kMostSeconds) {
    seconds = *value;
  } else {
    table.Report(key, fmt::format("`{}` must be above 0 and at most {:.0f}, not {}", key, kMostSeconds, *value));
  }
}

void ParseLimits(const ParseContext& context, TableReader& root) {
  const toml::table* source = root.Table("limits");
  if (source == nullptr) return;
  TableReader table = context.Reader(*source, "[limits]", {"scratch", "seconds", "compile_seconds"});
  Limits& limits = context.draft.spec.limits;
  limits.scratch = table.Integer("scratch", 0, 1LL << 40).value_or(limits.scratch);
  ReadSeconds(table, "seconds", limits.seconds);
  ReadSeconds(table, "compile_seconds", limits.compile_seconds);
}

}  // namespace

// ---- pieces shared by tables ----

bool ParseContext::CheckName(const Text& name, std::string_view key) const {
  const std::string why = WhyRefused(name.value);
  if (why.empty()) return true;
  problems.Add(name.position, why, std::string(key), "choose another name");
  return false;
}

std::string ParseContext::Name(TableReader& table, std::string_view what) const {
  table.Require("name");
  const auto name = table.String("name");
  if (!name || !CheckName(*name, "name")) return "";
  draft.names.push_back({name->value, what, name->position});
  return name->value;
}

void ParseContext::CheckNames(const Located<Expr>& expression, std::string_view key) const {
  draft.expression_size += expression.value.text().size();
  if (draft.expression_size > kLargestExpressions) {
    draft.too_much_to_evaluate = true;
    return problems.Add(expression.position,
                        fmt::format("the expressions of the spec hold more than {} characters", kLargestExpressions),
                        std::string(key));
  }
  const std::vector<std::string>& dims = draft.spec.dims;
  for (const Expr::Use& use : expression.value.Uses()) {
    const bool known = std::find(dims.begin(), dims.end(), use.name) != dims.end();
    if (!use.is_call && (known || !draft.dims_known)) continue;
    const Error error{.message = use.is_call ? fmt::format("unknown function `{}`", use.name)
                                             : fmt::format("unknown dim `{}`", use.name),
                      .column = use.column,
                      .hint = use.is_call ? "" : NearestHint(use.name, dims)};
    problems.AddWithin(expression.position, fmt::format("`{}`: ", key), error, std::string(key));
  }
}

std::optional<Expr> ParseContext::OverDims(TableReader& table, std::string_view key) const {
  auto expression = table.Expression(key);
  if (!expression) return std::nullopt;
  CheckNames(*expression, key);
  return std::move(expression->value);
}

std::optional<std::vector<Expr>> ParseContext::ListOverDims(TableReader& table, std::string_view key) const {
  auto list = table.Expressions(key, kMostAxes);
  if (!list) return std::nullopt;
  std::vector<Expr> expressions;
  for (Located<Expr>& expression : *list) {
    CheckNames(expression, key);
    expressions.push_back(std::move(expression.value));
  }
  return expressions;
}

std::vector<Over> ParseContext::ParseOver(TableReader& table) const {
  std::vector<Over> loops;
  for (const Text& entry : table.Strings("over", kMostAxes).value_or(std::vector<Text>())) {
    const size_t colon = entry.value.find(':');
    if (colon == std::string::npos) {
      problems.Add(entry.position, fmt::format("`over`: \"{}\" lacks its extent", Shown(entry.value)), "over",
                   "write \"i:S\": an index, a colon, an expression over dims");
      continue;
    }
    const size_t index_end = entry.value.find_last_not_of(' ', colon == 0 ? 0 : colon - 1) + 1;
    const Text index{entry.value.substr(0, std::min(index_end, colon)), entry.position};
    const std::string_view text = std::string_view(entry.value).substr(colon + 1);
    Position start = entry.position;
    start.column += static_cast<int>(colon) + 1;
    auto extent = Expr::Parse(text);
    if (!extent) {
      problems.AddWithin(start, "`over`: ", extent.error(), "over");
      continue;
    }
    CheckNames({*extent, start}, "over");
    if (!CheckName(index, "over")) continue;
    const auto same = [&](const Over& other) { return other.index == index.value; };
    if (std::any_of(loops.begin(), loops.end(), same)) {
      problems.Add(index.position, fmt::format("`over` has the index `{}` twice", index.value), "over");
    }
    draft.indices.push_back({index.value, "index", index.position});
    loops.push_back({index.value, *std::move(extent)});
  }
  return loops;
}

std::string ParseContext::ParseCode(TableReader& table, Position& position) const {
  auto code = table.String("code");
  if (!code) return "";
  position = code->position;
  if (IsBlank(code->value)) table.Report("code", "`code` is empty");
  if (code->value.find('\0') != std::string::npos) table.Report("code", "`code` holds a NUL character");
  return std::move(code->value);
}

bool ParseDraft(const ParseContext& context, const toml::table& source) {
  static const Keys keys = {"kopt",      "name",      "summary", "dims", "dynamic",  "shape",
                            "check",     "input",     "inout",   "temp", "output",   "scalar",
                            "precision", "reference", "work",    "seed", "baseline", "limits"};
  if (IsLaterVersion(context, source)) return false;
  TableReader root = context.Reader(source, "the spec", keys);
  root.Require("kopt", "a spec begins with kopt = 1, the version of its format");
  root.Integer("kopt", kVersion, kVersion);
  ParseTitle(context, root);
  ParseDims(context, root);
  ParseDynamic(context, root);
  ParseShapes(context, root, "shape", context.draft.spec.shapes);
  ParseShapes(context, root, "check", context.draft.spec.checks);
  ParseTensors(context, root);
  ParseScalars(context, root);
  for (const toml::table* table : root.Tables("reference", kMostReferences)) ParseReference(context, *table);
  ParsePrecision(context, root);
  ParseWork(context, root);
  ParseFiles(context, root, "seed", context.draft.spec.seed);
  ParseFiles(context, root, "baseline", context.draft.spec.baseline);
  ParseLimits(context, root);
  return true;
}

}  // namespace kopt
