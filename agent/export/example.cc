// example/main.cpp of an exported project: a call at a judged shape. Its inputs are made by the program, at the first
// scored shape, if each has a fill that a line of code can imitate; else they are those of the largest example.
#include <fmt/format.h>

#include <algorithm>

#include "agent/export/parts.h"

namespace kopt {

extern const std::string_view kExportExample;
extern const std::string_view kExportExampleCpu;
extern const std::string_view kExportExampleCuda;

namespace {

constexpr std::string_view kRandom = R"text(// In [0, 1), the same in every run.
double Random(std::size_t i) {
  std::uint64_t bits = (i + 1) * 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((bits ^ (bits >> 31)) >> 11) * 0x1p-53;
}
)text";

constexpr std::string_view kReader = R"text(// The elements of a .npy file of `bytes` bytes of them.
void Read(const std::string& file, void* to, std::size_t bytes) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (all.size() < bytes + 10) {
    std::fprintf(stderr, "%s is missing or damaged\n", file.c_str());
    std::exit(1);
  }
  std::memcpy(to, all.data() + all.size() - bytes, bytes);
}
)text";

bool CanImitate(const Tensor& tensor) {
  return !tensor.IsRead() || (tensor.code.empty() && tensor.fill.kind != Fill::Kind::kFile);
}

// Element i of a fill as an expression of C++.
std::string FillValue(const Package& package, const BoundTensor& bound) {
  const Tensor& tensor = *bound.tensor;
  const Fill& fill = tensor.fill;
  const std::string type(package.Type(tensor.dtype));
  // Bits of numbers between 0.5 and 1.
  if (tensor.dtype == DType::kF16 && type != "_Float16") return "static_cast<std::uint16_t>(0x3800 + i % 0x400)";
  if (tensor.dtype == DType::kBF16) return "static_cast<std::uint16_t>(0x3f00 + i % 0x80)";
  if (tensor.dtype == DType::kE4M3) return "static_cast<std::uint8_t>(0x30 + i % 8)";
  if (tensor.dtype == DType::kE5M2) return "static_cast<std::uint8_t>(0x38 + i % 4)";
  switch (fill.kind) {
    case Fill::Kind::kNormal:
      return fmt::format("static_cast<{}>({} + {} * (2 * Random(i) - 1))", type, fill.a, fill.b);
    case Fill::Kind::kUniform:
      return fmt::format("static_cast<{}>({} + {} * Random(i))", type, fill.a, fill.b - fill.a);
    case Fill::Kind::kInt:
      return fmt::format("static_cast<{}>(std::fmin({}, std::floor({} + {} * Random(i))))", type, fill.b, fill.a,
                         fill.b - fill.a + 1);
    case Fill::Kind::kPermutation:
      return fmt::format("static_cast<{}>(i % {})", type, bound.shape.back());
    default:
      return fmt::format("static_cast<{}>(i)", type);
  }
}

class ExampleWriter {
 public:
  ExampleWriter(const Package& package, BoundTask task, bool imitates)
      : package_(package), task_(std::move(task)), imitates_(imitates) {}

  std::string Text() const {
    const Spec& spec = package_.spec();
    std::string members, allocations, fills, uploads, restore;
    std::vector<std::string> arguments = {"dims"};
    for (const Tensor* tensor : package_.tensors) {
      const std::string type(package_.Type(tensor->dtype));
      const BoundTensor& bound = task_.Find(tensor->name);
      members += fmt::format("    {}* {};\n", type, tensor->name);
      allocations +=
          fmt::format("  t.{} = Allocate<{}>({}, {});\n", tensor->name, type, bound.span, std::max(tensor->align, 64));
      if (tensor->IsRead()) fills += FillText(bound);
      if (package_.IsCuda()) uploads += Upload(bound);
      if (tensor->role == Tensor::Role::kInout) restore += Restore(bound, fills);
      arguments.push_back((package_.IsCuda() ? "d." : "t.") + tensor->name);
    }
    if (package_.IsCuda()) uploads = fmt::format("\n  // On the device.\n  decltype(t) d;\n{}", uploads);
    for (size_t i = 0; i < spec.scalars.size(); ++i) arguments.push_back(ScalarText(spec.scalars[i], ScalarOf(i)));
    arguments.emplace_back("options");
    return Filled(
        kExportExample,
        {{"NAME", package_.name},
         {"INCLUDES", package_.IsCuda() ? "#include <cuda.h>\n" : ""},
         {"TARGET", std::string(package_.IsCuda() ? kExportExampleCuda : kExportExampleCpu)},
         {"BEGIN", package_.IsCuda() ? "  OpenDevice();\n" : ""},
         {"UPLOADS", uploads},
         {"WORKSPACE", package_.IsCuda() ? "DeviceMemory" : "Allocate<unsigned char>"},
         {"HELPER", std::string(imitates_ ? kRandom : kReader)},
         {"DIMS_TYPE", package_.dims_type},
         {"DIM_VALUES", DimValues(spec, *task_.shape)},
         {"SHAPE", ShapeText(spec, *task_.shape)},
         {"MEMBERS", members},
         {"ALLOCATIONS", allocations},
         {"FILLS", (imitates_ ? "" : Folder()) + fills},
         {"RESTORE", restore},
         {"CALL", Lines(fmt::format("    const {0}::Status status = {0}::Run(", package_.name), arguments, ");")}});
  }

 private:
  std::string Folder() const {
    return fmt::format("  const std::string folder = KERNEL_DATA \"/{}\";  // of tests/data\n",
                       package_.examples.size() - 1);
  }

  std::string FillText(const BoundTensor& bound) const {
    const std::string& name = bound.tensor->name;
    if (!imitates_) return fmt::format("  Read(folder + \"/{0}.npy\", t.{0}, {1});\n", name, bound.bytes);
    return fmt::format("  for (std::size_t i = 0; i < {}; ++i) t.{}[i] = {};\n", bound.span, name,
                       FillValue(package_, bound));
  }

  std::string Upload(const BoundTensor& bound) const {
    const std::string& name = bound.tensor->name;
    std::string text = fmt::format("  d.{0} = DeviceMemory<{1}>({2}, {3});\n", name, package_.Type(bound.tensor->dtype),
                                   bound.span, std::max(bound.tensor->align, 256));
    if (bound.tensor->IsRead()) text += fmt::format("  Copy(d.{0}, t.{0}, {1});\n", name, bound.span);
    return text;
  }

  // What an inout holds before the first call comes back before each.
  std::string Restore(const BoundTensor& bound, std::string& fills) const {
    const std::string& name = bound.tensor->name;
    if (package_.IsCuda()) return fmt::format("    Copy(d.{0}, t.{0}, {1});\n", name, bound.span);
    fills += fmt::format("  const std::vector<{0}> before_{1}(t.{1}, t.{1} + {2});\n",
                         package_.Type(bound.tensor->dtype), name, bound.span);
    return fmt::format("    std::copy(before_{0}.begin(), before_{0}.end(), t.{0});\n", name);
  }

  uint64_t ScalarOf(size_t i) const {
    if (!imitates_) return package_.examples.back().example.scalars[i];
    return ScalarBits(package_.spec(), *task_.shape, package_.spec().scalars[i], 1).value_or(0);
  }

  const Package& package_;
  BoundTask task_;
  bool imitates_;
};

}  // namespace

std::string ExampleText(const Package& package) {
  const bool imitates = std::ranges::all_of(package.tensors, [](const Tensor* tensor) { return CanImitate(*tensor); });
  if (!imitates && package.examples.empty()) return "";
  auto task = Bind(package.spec(), imitates ? *package.shapes[0].shape : *package.examples.back().shape);
  if (!task) return "";  // cannot be: judged shapes bind
  return ExampleWriter(package, *std::move(task), imitates).Text();
}

}  // namespace kopt
