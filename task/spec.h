// The task: what to compute. A parsed, validated `.spec` file (TOML), independent of any device.
// docs/spec.md is the users' reference of the format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "task/distribution.h"
#include "task/dtype.h"
#include "task/expr.h"
#include "task/target.h"

namespace kopt {

// Where something stands in the spec file; 1-based, 0 if not written there.
struct Position {
  int line = 0;
  int column = 0;
};

struct Shape {
  Values dims;                   // binds every dim
  std::optional<Target> target;  // for one target only
  Position position;
};

struct Fill {
  using Kind = FillKind;
  Kind kind = Kind::kNormal;
  double a = 0;      // normal: mean; uniform, int: lower end
  double b = 1;      // normal: standard deviation; uniform, int: upper end (int: included)
  std::string file;  // kFile: as written, relative to the spec
  std::string text;  // as written
};

enum class Compare { kClose, kExact, kAny };
enum class NonFinite { kExact, kAny, kForbidden };

struct Over {  // one loop of a reference: "b:B"
  std::string index;
  Expr extent;
};

// `return ...;` over index tuples, with inputs by name, truth_NAME(...) and got_NAME(...).
struct Accept {
  std::vector<Over> over;
  std::string code;
  Position code_position;  // of the code's first line
};

struct Tensor {
  enum class Role { kInput, kInout, kOutput, kTemp };
  std::string name;
  Role role = Role::kInput;
  DType dtype = DType::kF32;  // temp: unused
  std::vector<Expr> shape;
  std::vector<Expr> strides;  // elements; empty: dense row-major
  Fill fill;                  // inputs, inouts
  std::string code;           // inputs: in place of fill; empty if none
  Position code_position;
  std::vector<Fill> also;   // further fills for check sets
  bool is_static = false;   // inputs: the same in all sets but one
  bool repeatable = false;  // outputs: bitwise equal repeats demanded
  bool identity = false;    // outputs: the right answer may be a copy of an input
  int align = 256;          // bytes a candidate may rely on; a power of two, 1 to 4096, at least the element's size
  Compare compare = Compare::kClose;
  NonFinite nonfinite = NonFinite::kExact;
  std::optional<double> rtol, atol;  // both or neither in effect: a missing one is 0
  std::optional<Accept> accept;
  Position position;

  bool IsRead() const { return role == Role::kInput || role == Role::kInout; }
  bool IsWritten() const { return role == Role::kOutput || role == Role::kInout; }
};

struct Scalar {
  std::string name;
  DType dtype = DType::kF32;
  std::optional<Expr> value;  // exactly one of value and fill
  std::optional<Fill> fill;
  Position position;
};

struct Reference {
  std::vector<Over> over;
  std::string code;
  Position code_position;
};

struct Precision {
  std::string multiply = "f32";
  std::string accumulate = "f32";
  double multiply_roundoff = 0x1p-24;
  double accumulate_roundoff = 0x1p-24;
  bool declared = false;
};

struct Work {
  std::optional<Expr> flops, read, write;  // operations; bytes
  std::string unit = "f32";
  Position position;
};

struct Limits {
  long long scratch = 1LL << 30;  // bytes
  double seconds = 10;            // per launch of a baseline
  double compile_seconds = 30;
};

// Where files named by `fill = "file(...)"` really lie, by the name as written; for others: relative to the spec.
using SpecFiles = std::map<std::string, std::filesystem::path, std::less<>>;

struct Spec {
  std::string file;  // as the user named it, for messages
  std::string text;  // the whole file
  std::string
      hash;  // ContentHash of everything that decides verdicts: the text and the files it names by fill = file()
  std::string name, summary;
  std::vector<std::string> dims;
  std::vector<std::string> dynamic;
  std::vector<Shape> shapes, checks;
  std::vector<Tensor> tensors;  // inputs, inouts, outputs, temps; each group in file order
  std::vector<Scalar> scalars;
  Precision precision;
  std::vector<Reference> references;
  Work work;
  std::map<Target, std::string> seed, baseline;  // paths as written, relative to the spec
  std::string library;                           // the cuda target's baseline; empty: none is named
  Limits limits;
  SpecFiles files;

  const Tensor* FindTensor(std::string_view name) const;
  const Scalar* FindScalar(std::string_view name) const;
  bool IsDynamic(std::string_view dim) const;
  std::filesystem::path Folder() const;
  std::filesystem::path PathOf(const std::string& filled_from) const;
  std::vector<std::string> FilledFrom() const;  // the names in `fill = "file(...)"`, sorted, each once
  std::vector<const Shape*> Scored(Target target) const;
  std::vector<const Shape*> Checks(Target target) const;
};

// Parses and validates. Every error has file, line, key and, for an unknown key, the nearest valid one as the hint.
Result<Spec> ParseSpec(std::string text, std::string file, SpecFiles files = {});
Result<Spec> ReadSpec(const std::string& file);

// "B=1 H=3 S=77 D=64", in the order of Spec::dims; "without dims" if there are none.
std::string ShapeText(const Spec& spec, const Shape& shape);

// ---- bound to one shape ----

struct BoundTensor {
  const Tensor* tensor = nullptr;
  std::vector<long long> shape;
  std::vector<long long> strides;  // elements
  long long elements = 0;          // logical: product of shape
  long long span = 0;              // elements from the first to the last addressed one, plus 1; 0 if empty
  size_t bytes = 0;                // span * Size(dtype); temps: span * 8

  bool IsDense() const { return span == elements; }
  // The storage index (in elements) of the logical row-major index.
  long long Offset(long long logical) const;
  // "[1, 3, 77, 64]" for a logical row-major index: its coordinates.
  std::string Coordinates(long long logical) const;
};

struct BoundTask {
  const Spec* spec = nullptr;
  const Shape* shape = nullptr;
  std::vector<BoundTensor> tensors;  // in Spec::tensors order
  double flops = 0;                  // 0: not declared
  double read_bytes = 0, write_bytes = 0;

  const BoundTensor& Find(std::string_view name) const;
};

// Errors: a negative or zero extent, overflow, a tensor above 2^40 bytes, overlapping strides.
Result<BoundTask> Bind(const Spec& spec, const Shape& shape);

// What a fill other than a file gives a tensor.
Distribution DistributionOf(const BoundTensor& tensor, const Fill& fill, uint64_t seed);

// Fills a tensor's storage (`bytes` = BoundTensor::bytes). Gaps left by strides get a pattern of their own. The values
// depend on (fill, seed, logical index) only, not on threads or on the machine. Rounded to the dtype.
Result<void> FillTensor(const Spec& spec, const BoundTensor& tensor, const Fill& fill, uint64_t seed,
                        std::span<std::byte> storage);
// The scalar's value for an input set, rounded to its dtype, as 8 bytes that begin with the scalar's own bytes.
Result<uint64_t> ScalarBits(const Spec& spec, const Shape& shape, const Scalar& scalar, uint64_t seed);

}  // namespace kopt
