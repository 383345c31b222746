#include "task/spec.h"

#include <algorithm>
#include <set>

#include "base/files.h"
#include "task/nearest.h"
#include "task/spec_names.h"
#include "task/spec_parse.h"

namespace kopt {
namespace {

constexpr size_t kLargestSpec = size_t{1} << 20;

std::vector<const Shape*> For(Target target, const std::vector<Shape>& shapes) {
  std::vector<const Shape*> chosen;
  for (const Shape& shape : shapes) {
    if (!shape.target || *shape.target == target) chosen.push_back(&shape);
  }
  return chosen;
}

template <class T>
const T* FindNamed(const std::vector<T>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// "key = value" of one line of the file; empty parts if it is not of this form.
struct Line {
  std::string key, value;
};

Line LineAt(std::string_view text, int number) {
  for (int line = 1; line < number; ++line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text = text.substr(0, text.find('\n'));
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {};
  const auto trim = [](std::string_view part) {
    const size_t begin = std::min(part.find_first_not_of(" \t\r"), part.size());
    return std::string(part.substr(begin, part.find_last_not_of(" \t\r") + 1 - begin));
  };
  const std::string key = trim(text.substr(0, equals));
  return IsIdentifier(key) ? Line{key, trim(text.substr(equals + 1))} : Line{};
}

Error SyntaxError(std::string_view text, const std::string& file, const toml::parse_error& error) {
  const int number = static_cast<int>(error.source().begin.line);
  const Line line = LineAt(text, number);
  const bool is_bare = IsIdentifier(line.value) && line.value != "true" && line.value != "false";
  return Error{
      .exit = Exit::kUsage,
      .message = Shown(error.description(), 400),
      .file = file,
      .line = number,
      .column = static_cast<int>(error.source().begin.column),
      .key = Shown(line.key),
      .hint = is_bare ? fmt::format("text needs quotes: {} = \"{}\"", Shown(line.key), Shown(line.value)) : ""};
}

// Exceptions of the TOML library end here.
Result<toml::table> ParseToml(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(SyntaxError(text, file, error));
  }
}

}  // namespace

const Tensor* Spec::FindTensor(std::string_view name) const { return FindNamed(tensors, name); }
const Scalar* Spec::FindScalar(std::string_view name) const { return FindNamed(scalars, name); }

bool Spec::IsDynamic(std::string_view dim) const {
  return std::find(dynamic.begin(), dynamic.end(), dim) != dynamic.end();
}

std::filesystem::path Spec::Folder() const { return std::filesystem::path(file).parent_path(); }

std::filesystem::path Spec::PathOf(const std::string& filled_from) const {
  const auto found = files.find(filled_from);
  return found == files.end() ? Folder() / filled_from : found->second;
}

std::vector<std::string> Spec::FilledFrom() const {
  std::set<std::string> names;
  const auto add = [&](const Fill& fill) {
    if (fill.kind == Fill::Kind::kFile) names.insert(fill.file);
  };
  for (const Tensor& tensor : tensors) {
    add(tensor.fill);
    for (const Fill& fill : tensor.also) add(fill);
  }
  return {names.begin(), names.end()};
}

std::vector<const Shape*> Spec::Scored(Target target) const { return For(target, shapes); }
std::vector<const Shape*> Spec::Checks(Target target) const { return For(target, checks); }

Result<Spec> ParseSpec(std::string text, std::string file, SpecFiles files) {
  Position position;
  if (auto refused = RefuseText(text, position)) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = *refused,
                                 .file = std::move(file),
                                 .line = position.line,
                                 .column = position.column});
  }
  KOPT_TRY(const toml::table table, ParseToml(text, file));
  Draft draft;
  draft.spec.file = file;
  draft.spec.text = std::move(text);
  draft.spec.files = std::move(files);
  Problems problems(file);
  const SpecText spec_text(draft.spec.text);
  const ParseContext context{spec_text, problems, draft};
  if (ParseDraft(context, table)) ValidateDraft(draft, problems);
  if (problems.first()) return std::unexpected(*problems.first());
  return std::move(draft.spec);
}

Result<Spec> ReadSpec(const std::string& file) {
  auto text = ReadFile(file, kLargestSpec);
  if (!text) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) text.error().hint = "name a spec; `kopt init NAME` writes a new one";
    return std::unexpected(text.error());
  }
  return ParseSpec(*std::move(text), file);
}

std::string ShapeText(const Spec& spec, const Shape& shape) {
  std::string text;
  for (const std::string& dim : spec.dims)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", dim, shape.dims.at(dim));
  return text.empty() ? "without dims" : text;
}

}  // namespace kopt
