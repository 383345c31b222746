// tests/test.cpp of an exported project.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/export/parts.h"

namespace kopt {

extern const std::string_view kExportTest;

namespace {

std::string TypeName(DType dtype) {
  static constexpr std::string_view kNames[] = {"kF64", "kF32", "kF16", "kBF16", "kE4M3", "kE5M2", "kI64", "kI32",
                                                "kI16", "kI8",  "kU64", "kU32",  "kU16",  "kU8",   "kBool"};
  return fmt::format("Type::{}", kNames[static_cast<size_t>(dtype)]);
}

std::string Listed(const std::vector<long long>& values) {
  std::string text;
  for (const long long value : values) text += (text.empty() ? "" : ", ") + CppLiteral(value);
  return text;
}

// What a tensor's parameter points to.
std::string Pointed(const Package& package, const Tensor& tensor) {
  return fmt::format("{}{}", tensor.IsWritten() ? "" : "const ", package.Type(tensor.dtype));
}

// One example as a function of the test.
class CaseWriter {
 public:
  CaseWriter(const Package& package, size_t number)
      : package_(package), number_(number), example_(package.examples[number]) {}

  std::string Text() const {
    const std::string shape = ShapeText(package_.spec(), *example_.shape);
    std::string text =
        fmt::format("void Case{}(Suite& suite) {{\n  const std::string shape = \"{}\";\n", number_, shape);
    for (const Tensor* tensor : package_.tensors) text += Memory(*tensor);
    text += Lines(fmt::format("  const {0}::Status status = {0}::Run(", package_.name), Arguments(), ");\n");
    text += fmt::format("  suite.Expect(status.code == {}::Code::kOk, shape + \": it runs. \" + status.message);\n",
                        package_.name);
    text += "  if (!status) return;\n";
    for (const Tensor* tensor : package_.tensors)
      if (tensor->IsWritten()) text += Comparison(*tensor);
    return text + "}\n\n";
  }

 private:
  std::string Memory(const Tensor& tensor) const {
    std::string text = fmt::format("  const Memory memory_{}({}, {});\n", tensor.name,
                                   example_.task.Find(tensor.name).bytes, tensor.align);
    if (tensor.IsRead()) text += fmt::format("  suite.ReadInto(\"{0}/{1}.npy\", memory_{1});\n", number_, tensor.name);
    return text;
  }

  std::vector<std::string> Arguments() const {
    std::vector<std::string> arguments = {"{" + DimValues(package_.spec(), *example_.shape) + "}"};
    for (const Tensor* tensor : package_.tensors)
      arguments.push_back(fmt::format("memory_{}.As<{}>()", tensor->name, Pointed(package_, *tensor)));
    const auto& scalars = package_.spec().scalars;
    for (size_t i = 0; i < scalars.size(); ++i)
      arguments.push_back(ScalarText(scalars[i], example_.example.scalars[i]));
    return arguments;
  }

  std::string Comparison(const Tensor& tensor) const {
    if (tensor.accept || tensor.compare == Compare::kAny) {
      return fmt::format("  suite.Say(shape + \": {} is not compared: {}\");\n", tensor.name,
                         tensor.accept ? "a predicate of the spec decides" : "it may hold anything");
    }
    const BoundTensor& bound = example_.task.Find(tensor.name);
    const double overflow = example_.example.outputs[Number(tensor)].overflow;
    return fmt::format(
        "  suite.Compare(\"{0}/{1}\", shape, {{\"{1}\", {2}, {3}, {{{4}}}, {{{5}}}, {6}}}, memory_{1});\n", number_,
        tensor.name, TypeName(tensor.dtype), Size(tensor.dtype), Listed(bound.shape), Listed(bound.strides),
        std::isnan(overflow)   ? "NAN"
        : std::isinf(overflow) ? "HUGE_VAL"
                               : fmt::format("{:a}", overflow));
  }

  // In the spec's numbering.
  size_t Number(const Tensor& tensor) const { return static_cast<size_t>(&tensor - package_.spec().tensors.data()); }

  const Package& package_;
  size_t number_;
  const PackageExample& example_;
};

// Calls that must be refused, with one piece of memory for all tensors, which is never touched.
class WrongUseWriter {
 public:
  explicit WrongUseWriter(const Package& package) : package_(package), spec_(package.spec()) {}

  // A function that calls with given dims and the first tensor.
  std::string CallText() const {
    const Tensor& first = *package_.tensors[0];
    std::vector<std::string> arguments = {"dims", "first"};
    for (size_t i = 1; i < package_.tensors.size(); ++i)
      arguments.push_back(fmt::format("memory.As<{}>()", Pointed(package_, *package_.tensors[i])));
    for (const Scalar& scalar : spec_.scalars)
      arguments.push_back(fmt::format("{}(1)", package_.ScalarType(scalar.dtype)));
    const std::vector<std::string> parameters = {fmt::format("const {}::{}& dims", package_.name, package_.dims_type),
                                                 Pointed(package_, first) + "* first",
                                                 "[[maybe_unused]] const Memory& memory"};
    return Lines(fmt::format("{}::Status Call(", package_.name), parameters, ") {\n") +
           Lines(fmt::format("  return {}::Run(", package_.name), arguments, ");\n}\n");
  }

  std::string Text() const {
    std::string text = package_.IsCuda() ? WithoutContext() : "";
    const Shape& judged = *package_.shapes[0].shape;
    const Tensor& first = *package_.tensors[0];
    const std::string memory = fmt::format("memory.As<{}>()", Pointed(package_, first));
    if (const auto other = Unjudged()) {
      const std::string words = ShapeText(spec_, *other) + " was not judged; judged are ";
      text += Expectation("a shape that was not judged is refused", *other, memory, "kNotJudged", words);
    }
    if (!spec_.dims.empty()) {
      Shape none = judged;
      none.dims[spec_.dims[0]] = 0;
      text +=
          Expectation("an extent of 0 is refused", none, memory, "kBadArgument", "the dim " + spec_.dims[0] + " is 0");
    }
    text +=
        Expectation("a null pointer is refused", judged, "nullptr", "kBadArgument", first.name + " is a null pointer");
    if (first.align == 1) return text;
    const std::string odd = fmt::format("reinterpret_cast<{}*>(memory.As<char>() + 1)", Pointed(package_, first));
    return text + Expectation("a misaligned pointer is refused", judged, odd, "kBadArgument",
                              fmt::format("{} is not at a multiple of {} bytes", first.name, first.align));
  }

 private:
  std::string WithoutContext() const {
    const std::string call = Expectation("without a current context it is refused", *package_.shapes[0].shape,
                                         fmt::format("memory.As<{}>()", Pointed(package_, *package_.tensors[0])),
                                         "kNoDevice", "no CUDA context is current");
    return "  CUcontext context = nullptr;\n  cuCtxPopCurrent(&context);\n" + call + "  cuCtxPushCurrent(context);\n";
  }

  // A shape near the judged ones; nothing without dims.
  std::optional<Shape> Unjudged() const {
    if (spec_.dims.empty()) return std::nullopt;
    const std::string& dim = spec_.dynamic.empty() ? spec_.dims[0] : spec_.dynamic[0];
    Shape shape = *package_.shapes[0].shape;
    const auto same = [&](const PackageShape& known) { return known.shape->dims == shape.dims; };
    while (std::ranges::any_of(package_.shapes, same)) ++shape.dims[dim];
    return shape;
  }

  std::string Expectation(std::string_view what, const Shape& shape, const std::string& first, std::string_view code,
                          const std::string& words) const {
    return fmt::format(
        "  suite.Expect(Says(Call({{{}}}, {}, memory), {}::Code::{},\n"
        "                    \"{}\"),\n"
        "               \"{}\");\n",
        DimValues(spec_, shape), first, package_.name, code, words, what);
  }

  const Package& package_;
  const Spec& spec_;
};

}  // namespace

std::string TestText(const Package& package) {
  std::string cases, calls;
  for (size_t i = 0; i < package.examples.size(); ++i) {
    cases += CaseWriter(package, i).Text();
    calls += fmt::format("  Case{}(suite);\n", i);
  }
  if (package.examples.empty())
    calls = "  suite.Say(\"no right answers are at hand: every judged shape is too large\");\n";
  int align = 256;
  for (const Tensor* tensor : package.tensors) align = std::max(align, tensor->align);
  return Filled(kExportTest,
                {{"NAME", package.name},
                 {"CASES", cases},
                 {"CALLS", calls},
                 {"BEGIN", package.IsCuda() ? "  if (!support::OpenDevice()) return 77;  // skipped\n" : ""},
                 {"ALIGN", fmt::to_string(align)},
                 {"CALL", WrongUseWriter(package).CallText()},
                 {"WRONG", WrongUseWriter(package).Text()}});
}

}  // namespace kopt
