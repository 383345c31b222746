#include <algorithm>
#include <array>
#include <map>
#include <unordered_set>

#include "base/files.h"
#include "base/hash.h"
#include "task/cpp_tokens.h"
#include "task/fill_text.h"
#include "task/npy.h"
#include "task/spec_parse.h"

namespace kopt {
namespace {

constexpr size_t kLargestFile = size_t{4} << 30;

bool Before(const Draft::Declared& a, const Draft::Declared& b) {
  return std::pair(a.position.line, a.position.column) < std::pair(b.position.line, b.position.column);
}

// Names that a declared name brings along: its type, and what `accept` calls its two values.
std::array<std::string, 3> Derived(const std::string& name) { return {name + "_t", "truth_" + name, "got_" + name}; }

// One name space for dims, tensors, scalars and the names they bring along; the later of two is at fault.
void CheckNames(const Draft& draft, Problems& problems) {
  std::vector<Draft::Declared> names = draft.names;
  std::stable_sort(names.begin(), names.end(), Before);
  std::map<std::string_view, const Draft::Declared*> seen;
  for (const Draft::Declared& name : names) {
    const auto [first, is_new] = seen.emplace(name.name, &name);
    if (is_new) continue;
    problems.Add(name.position,
                 fmt::format("the name `{}` is taken by the {} of line {}", name.name, first->second->what,
                             first->second->position.line),
                 "name", "give every dim, tensor and scalar a name of its own");
  }
  for (const Draft::Declared& index : draft.indices) {
    const auto other = seen.find(index.name);
    if (other == seen.end()) continue;
    problems.Add(index.position,
                 fmt::format("the index `{}` has the name of the {} of line {}", index.name, other->second->what,
                             other->second->position.line),
                 "over", "choose another index");
  }
  for (const Draft::Declared& name : names) {
    for (const std::string& derived : Derived(name.name)) {
      const auto other = seen.find(derived);
      if (other == seen.end()) continue;
      problems.Add(
          other->second->position,
          fmt::format("the name `{}` is needed beside `{}` of line {}", derived, name.name, name.position.line), "name",
          "choose another name");
    }
  }
}

// The names in C++ text that are called like tensors: `q(b, h)`.
std::unordered_set<std::string> Called(std::string_view code) {
  std::unordered_set<std::string> called;
  const std::vector<CppToken> tokens = Tokenise(code);
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i].kind == CppToken::Kind::kName && tokens[i + 1].Is("(")) called.insert(tokens[i].text);
  }
  return called;
}

// A whole and working task: something to score, something to compute, and its truth.
void CheckCompleteness(const Draft& draft, Problems& problems) {
  const Spec& spec = draft.spec;
  if (spec.shapes.empty()) {
    problems.Add({}, "the spec has no [[shape]]: there is nothing to score", "shape", "add one [[shape]] at least");
  }
  std::unordered_set<std::string> written;
  for (const Reference& reference : spec.references) written.merge(Called(reference.code));
  const bool all_read = !draft.broken_references;
  bool has_output = false;
  for (const Tensor& tensor : spec.tensors) {
    if (!tensor.IsWritten()) continue;
    has_output = true;
    const bool needs_truth = tensor.compare != Compare::kAny && !tensor.name.empty();
    if (!all_read || !needs_truth || written.contains(tensor.name)) continue;
    const std::string message = spec.references.empty() ? fmt::format("there is no [[reference]] for `{}`", tensor.name)
                                                        : fmt::format("no [[reference]] writes `{}`", tensor.name);
    problems.Add(tensor.position, message, "reference", fmt::format("write {}(...) = ...; in one", tensor.name));
  }
  if (!has_output) {
    problems.Add({}, "the spec has no [[output]] and no [[inout]]: there is nothing to compute", "output",
                 "add an [[output]]");
  }
}

// The code of an input may read the inputs before it and write itself.
void CheckInputCode(const Draft& draft, Problems& problems) {
  const std::vector<Tensor>& tensors = draft.spec.tensors;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].code.empty()) continue;
    const auto called = Called(tensors[i].code);
    if (!tensors[i].name.empty() && !called.contains(tensors[i].name)) {
      problems.Add(tensors[i].code_position, fmt::format("the code of `{}` does not write it", tensors[i].name), "code",
                   fmt::format("write {}(...) = ...;", tensors[i].name));
    }
    for (size_t j = i + 1; j < tensors.size(); ++j) {
      if (!called.contains(tensors[j].name)) continue;
      problems.Add(tensors[i].code_position,
                   fmt::format("the code of `{}` reads `{}`, which comes later", tensors[i].name, tensors[j].name),
                   "code", "the code of an input may read earlier inputs only");
    }
  }
}

std::string ShapeText(const std::vector<long long>& shape) {
  std::string text;
  for (const long long extent : shape) text += fmt::format("{}{}", text.empty() ? "" : ", ", extent);
  return "[" + text + "]";
}

// Every fill at every shape.
class FillChecker {
 public:
  FillChecker(Draft& draft, Problems& problems) : draft_(draft), problems_(problems) {}

  // Reads the files; their content belongs to the spec's identity. Returns what to hash beside the text.
  std::string Files() {
    std::string hashes;
    for (const Draft::FillUse& use : draft_.fills) {
      if (use.fill.kind == Fill::Kind::kFile) hashes += "\n" + File(use);
    }
    return hashes;
  }

  void At(const std::map<size_t, BoundTensor>& tensors) {
    for (const Draft::FillUse& use : draft_.fills) {
      const auto tensor = tensors.find(use.tensor);
      if (tensor == tensors.end()) continue;
      if (auto fits = CheckFillExtent(use.fill, tensor->second); !fits) {
        problems_.Add(use.position, "`fill`: " + fits.error().message, "fill", fits.error().hint);
      }
      const auto extents = files_.find(&use);
      if (extents == files_.end() || extents->second == tensor->second.shape) continue;
      problems_.Add(use.position,
                    fmt::format("`fill`: the array in {} is {}, `{}` is {}", use.fill.file, ShapeText(extents->second),
                                tensor->second.tensor->name, ShapeText(tensor->second.shape)),
                    "fill", "a file suits tensors of one size only");
    }
  }

 private:
  std::string File(const Draft::FillUse& use) {
    const auto fail = [&](const Error& error) {
      problems_.Add(use.position, fmt::format("`fill`: {}: {}", use.fill.file, error.message), "fill", error.hint);
      return "";
    };
    const auto text = ReadFile(draft_.spec.PathOf(use.fill.file), kLargestFile);
    if (!text) return fail(text.error());
    const auto array = ParseNpy(*text);
    if (!array) return fail(array.error());
    const auto converted = CanConvert(*array, draft_.spec.tensors[use.tensor].dtype);
    if (!converted) return fail(converted.error());
    files_[&use] = array->shape;
    return ContentHash(*text);
  }

  Draft& draft_;
  Problems& problems_;
  std::map<const Draft::FillUse*, std::vector<long long>> files_;  // extents of the arrays
};

void AddError(const Error& error, Problems& problems) {
  problems.Add({error.line, error.column}, error.message, error.key, error.hint);
}

// Everything that depends on the values of dims.
void CheckShape(const Draft& draft, const Shape& shape, FillChecker& fills, Problems& problems) {
  const Spec& spec = draft.spec;
  std::map<size_t, BoundTensor> tensors;
  for (size_t i = 0; i < spec.tensors.size(); ++i) {
    if (draft.broken_tensors.contains(i)) continue;
    auto bound = BindTensor(spec, shape, spec.tensors[i]);
    if (!bound) {
      AddError(bound.error(), problems);
      continue;
    }
    tensors.emplace(i, *std::move(bound));
  }
  fills.At(tensors);
  for (size_t i = 0; i < spec.scalars.size(); ++i) {
    if (draft.broken_scalars.contains(i) || !spec.scalars[i].value) continue;
    if (auto bits = ScalarBits(spec, shape, spec.scalars[i], 0); !bits) AddError(bits.error(), problems);
  }
  const auto check = [&](const Result<void>& result) {
    if (!result) AddError(result.error(), problems);
  };
  for (const Reference& reference : spec.references) {
    check(CheckOver(spec, shape, reference.over, reference.code_position));
  }
  for (const Tensor& tensor : spec.tensors) {
    if (tensor.accept) check(CheckOver(spec, shape, tensor.accept->over, tensor.accept->code_position));
  }
  check(CheckWork(spec, shape));
}

}  // namespace

void ValidateDraft(Draft& draft, Problems& problems) {
  Spec& spec = draft.spec;
  CheckNames(draft, problems);
  CheckCompleteness(draft, problems);
  CheckInputCode(draft, problems);
  FillChecker fills(draft, problems);
  const std::string files = fills.Files();
  if (draft.too_much_to_evaluate) return;
  for (const std::vector<Shape>* shapes : {&spec.shapes, &spec.checks}) {
    for (const Shape& shape : *shapes) CheckShape(draft, shape, fills, problems);
  }
  spec.hash = ContentHash(spec.text + files);
}

}  // namespace kopt
