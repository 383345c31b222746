#include "task/spec.h"

#include <algorithm>

#include "base/files.h"
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

// Exceptions of the TOML library end here.
Result<toml::table> ParseToml(std::string_view text, const std::string& file) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = std::string(error.description()),
                                 .file = file,
                                 .line = static_cast<int>(error.source().begin.line),
                                 .column = static_cast<int>(error.source().begin.column)});
  }
}

}  // namespace

std::string_view Name(Target target) { return target == Target::kCpu ? "cpu" : "cuda"; }

std::optional<Target> ParseTarget(std::string_view name) {
  for (const Target target : {Target::kCpu, Target::kCuda}) {
    if (Name(target) == name) return target;
  }
  return std::nullopt;
}

const Tensor* Spec::FindTensor(std::string_view name) const { return FindNamed(tensors, name); }
const Scalar* Spec::FindScalar(std::string_view name) const { return FindNamed(scalars, name); }

bool Spec::IsDynamic(std::string_view dim) const {
  return std::find(dynamic.begin(), dynamic.end(), dim) != dynamic.end();
}

std::filesystem::path Spec::Folder() const { return std::filesystem::path(file).parent_path(); }
std::vector<const Shape*> Spec::Scored(Target target) const { return For(target, shapes); }
std::vector<const Shape*> Spec::Checks(Target target) const { return For(target, checks); }

Result<Spec> ParseSpec(std::string text, std::string file) {
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
  draft.spec.text = text;
  Problems problems(file);
  const SpecText spec_text(text);
  const ParseContext context{spec_text, problems, draft};
  if (ParseDraft(context, table)) ValidateDraft(draft, problems);
  if (problems.first()) return std::unexpected(*problems.first());
  return std::move(draft.spec);
}

Result<Spec> ReadSpec(const std::string& file) {
  KOPT_TRY(std::string text, ReadFile(file, kLargestSpec));
  return ParseSpec(std::move(text), file);
}

}  // namespace kopt
