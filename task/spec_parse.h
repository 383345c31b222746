// The steps from a TOML document to a validated spec. Internal to task/spec*.cc.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "task/spec.h"
#include "task/spec_problems.h"
#include "task/spec_reader.h"

namespace kopt {

// A spec under construction, with the positions that later checks report.
struct Draft {
  struct Declared {
    std::string name;
    std::string_view what;  // "dim", "input", ...
    Position position;
  };
  struct FillUse {
    size_t tensor;  // index into spec.tensors
    Fill fill;
    Position position;
  };

  Spec spec;
  bool dims_known = false;          // `dims` could be read
  std::vector<Declared> names;      // dims, tensors, scalars: one name space
  std::vector<Declared> indices;    // of `over` lists
  std::vector<FillUse> fills;       // of tensors, `also` included
  std::set<size_t> broken_tensors;  // with problems of their own: not bound to shapes
  std::set<size_t> broken_scalars;
  bool broken_references = false;
  size_t expression_size = 0;         // characters of all expressions over dims
  bool too_much_to_evaluate = false;  // beyond the limit of the former
};

struct ParseContext {
  const SpecText& text;
  Problems& problems;
  Draft& draft;

  TableReader Reader(const toml::table& table, std::string title, const Keys& keys) const {
    return TableReader(table, std::move(title), keys, text, problems);
  }
  // Reads `key`, checks the name and enters it into draft.names. Empty if there is no usable name.
  std::string Name(TableReader& table, std::string_view what) const;
  // An expression over dims only.
  std::optional<Expr> OverDims(TableReader& table, std::string_view key) const;
  std::optional<std::vector<Expr>> ListOverDims(TableReader& table, std::string_view key) const;
  // Reports what is neither a dim nor a known function.
  void CheckNames(const Located<Expr>& expression, std::string_view key) const;
  // `over` and `code` of a reference or an accept.
  std::vector<Over> ParseOver(TableReader& table) const;
  std::string ParseCode(TableReader& table, Position& position) const;
  // Reports a refused name; true if it can be used.
  bool CheckName(const Text& name, std::string_view key) const;
};

void ParseTensors(const ParseContext& context, TableReader& root);  // spec_parse_tensors.cc
void ParseScalars(const ParseContext& context, TableReader& root);
// Everything; false if it stopped at a later version of the format. spec_parse.cc
bool ParseDraft(const ParseContext& context, const toml::table& root);
void ValidateDraft(Draft& draft, Problems& problems);  // spec_validate.cc; sets Spec::hash

// One tensor at one shape, independent of the others. spec_bind.cc
Result<BoundTensor> BindTensor(const Spec& spec, const Shape& shape, const Tensor& tensor);
// The [work] figures at a shape, and the extents of an `over`, whose code stands at `position`. spec_bind.cc
Result<void> CheckWork(const Spec& spec, const Shape& shape);
Result<void> CheckOver(const Spec& spec, const Shape& shape, const std::vector<Over>& over, Position position);

}  // namespace kopt
