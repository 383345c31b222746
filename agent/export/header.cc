// include/NAME.h: what the function computes, what it is given, what was measured and proved.
#include <fmt/format.h>

#include <algorithm>

#include "agent/export/parts.h"

namespace kopt {

extern const std::string_view kExportHeader;

namespace {

std::string Listed(const std::vector<Expr>& exprs) {
  std::string text;
  for (const Expr& expr : exprs) text += (text.empty() ? "" : ", ") + expr.text();
  return "[" + text + "]";
}

std::string_view Use(const Tensor& tensor) {
  if (tensor.role == Tensor::Role::kInput) return "in";
  return tensor.role == Tensor::Role::kInout ? "in and out" : "out";
}

// What the bits of types that the public header does not have mean.
std::string_view Storage(const Package& package, DType dtype) {
  if (dtype == DType::kF16 && package.Type(dtype) != "_Float16") return ", as bits";
  if (dtype == DType::kBF16) return ", as bits";
  if (dtype == DType::kE4M3) return " (448 at most, one NaN, no infinity), as bits";
  return dtype == DType::kE5M2 ? ", as bits" : "";
}

std::string ToleranceText(const Tensor& tensor) {
  if (!tensor.IsWritten()) return "";
  if (tensor.compare == Compare::kAny) return "; not compared: may hold anything";
  if (tensor.accept) return "; judged by the spec's predicate";
  if (tensor.rtol || tensor.atol)
    return fmt::format("; judged within {} + {} |truth|", tensor.atol.value_or(0), tensor.rtol.value_or(0));
  return tensor.compare == Compare::kExact ? "; judged exact" : "";
}

std::string TensorText(const Package& package, const Tensor& tensor) {
  std::string text = fmt::format("{}: {}, {} {}{}", tensor.name, Use(tensor), Name(tensor.dtype), Listed(tensor.shape),
                                 Storage(package, tensor.dtype));
  if (!tensor.strides.empty()) text += fmt::format(", strides {} elements", Listed(tensor.strides));
  text += fmt::format(", at a multiple of {} bytes", tensor.align);
  if (tensor.IsRead())
    text += tensor.code.empty() ? "; judged with " + tensor.fill.text : "; judged with values by code";
  for (const Fill& fill : tensor.also) text += " and " + fill.text;
  return text + ToleranceText(tensor);
}

std::string ScalarNote(const Package& package, const Scalar& scalar) {
  const std::string value = scalar.value ? scalar.value->text() : scalar.fill->text;
  const bool is_rounded = package.ScalarType(scalar.dtype) != package.Type(scalar.dtype);
  return fmt::format("{}: {}{}, judged {} {}", scalar.name, is_rounded ? "rounded to " : "", Name(scalar.dtype),
                     scalar.value ? "as" : "with", value);
}

std::string Intro(const Package& package) {
  const Spec& spec = package.spec();
  std::string text = Commented("//", fmt::format("{}{}{}", spec.name, spec.summary.empty() ? "" : ": ", spec.summary));
  text +=
      "//\n" + Commented("//", fmt::format("Written by kopt {} from its run {}. README.md says how to build and use "
                                           "it, what was proved and what was not.",
                                           package.version, package.run.row.run));
  return text + "//\n" + Commented("//", "Measured: " + MeasuredText(package) + ".");
}

std::string DimsText(const Package& package) {
  const Spec& spec = package.spec();
  std::string constant, dynamic, members;
  for (const std::string& dim : spec.dims) {
    std::string& names = spec.IsDynamic(dim) ? dynamic : constant;
    names += (names.empty() ? " " : ", ") + dim;
    members += fmt::format("  std::int64_t {} = 0;\n", dim);
  }
  std::string words = "The extents.";
  if (!constant.empty()) words += " Compiled in, one kernel for each combination that was judged:" + constant + ".";
  if (!dynamic.empty()) words += " Known at the call only:" + dynamic + ".";
  std::string text = Commented("//", words) + "//\n";
  text += Commented("//", "Judged, which means that every element of every output was compared with the right answer:");
  for (const PackageShape& shape : package.shapes)
    text += Commented("//  ", ShapeText(spec, *shape.shape) + (shape.scored ? ", and timed" : ""));
  return text + fmt::format("struct {} {{\n{}}};", package.dims_type, members);
}

std::string AllowText(const Package& package) {
  const Spec& spec = package.spec();
  if (spec.dynamic.empty())
    return Commented("  //", "Without effect: every dim of this task is compiled in, so that only judged shapes run.");
  return Commented("  //",
                   "Also runs shapes that were not judged, where a kernel was compiled for their constant dims. "
                   "The same code runs, but nobody has compared what it computes there.");
}

std::string ThreadsText(const Package& package) {
  if (package.names_threads)
    return Commented("  //", fmt::format("OpenMP threads. The kernel is compiled for {0}: only 0 and {0} are allowed.",
                                         package.threads));
  return Commented("  //",
                   fmt::format("OpenMP threads; 0: {}, as judged. Other numbers run the same code, but were not "
                               "judged; omp_get_max_threads() is what OpenMP would take by itself.",
                               package.threads));
}

// Options that only this target has, each with its comment.
std::string OptionsText(const Package& package) {
  if (!package.IsCuda()) return ThreadsText(package) + "  int threads = 0;";
  return Commented("  //",
                   "Where the work is put; null: the default stream of the current context, which is the legacy one. A "
                   "stream of another context than the current one is refused.") +
         "  CUstream stream = nullptr;";
}

std::string WorkspaceText(const Package& package) {
  constexpr std::string_view kHost = "allocates and frees it, which takes time that is not in the figures above.";
  constexpr std::string_view kDevice =
      "takes it from the device's memory pool and gives it back, both in the order of the stream (cuMemAllocAsync, "
      "cuMemFreeAsync), which takes time that is not in the figures above. Calls in different streams need different "
      "ones.";
  const bool cuda = package.IsCuda();
  return Commented("  //", fmt::format("{} for the call's intermediate results: WorkspaceBytes of it, at a multiple of "
                                       "256 bytes. Null: the call {}",
                                       cuda ? "Device memory" : "Memory", cuda ? kDevice : kHost));
}

std::string_view CodesText(const Package& package) {
  if (!package.IsCuda()) return "  kNoThreads,    // OpenMP would give fewer threads than the call needs";
  return "  kNoDevice,     // no context is current, or its device is one that the kernels are not for\n"
         "  kDriver,       // the driver does not take what it is given";
}

std::string_view StatusText(const Package& package) {
  if (!package.IsCuda()) return "// Unless `code` is kOk nothing was written, and `message` says why in a sentence.";
  return "// kOk: the work is in the stream; what goes wrong there the driver reports later. Otherwise `message` says "
         "why in\n"
         "// a sentence, and unless `code` is kDriver nothing was put into the stream.";
}

// The type of streams without any header of CUDA's.
std::string_view DeclarationsText(const Package& package) {
  return package.IsCuda()
             ? "\ntypedef struct CUstream_st* CUstream;  // as in cuda.h; the runtime's cudaStream_t is the "
               "same type\n"
             : "";
}

std::string_view CallNotes(const Package& package) {
  if (!package.IsCuda())
    return "Any thread may call it; calls take turns, and each shares its work among threads of OpenMP.";
  return "Any thread in which a CUDA context is current may call it, several at once; it returns when the work is in "
         "the stream, before it is done.";
}

std::string RunNotes(const Package& package) {
  const Spec& spec = package.spec();
  std::string text = Commented("//", spec.summary.empty() ? "Computes " + spec.name + "." : spec.summary) + "//\n";
  text +=
      Commented("//", fmt::format("Tensors are {}dense and row-major unless strides are given. None may overlap one "
                                  "that is written.",
                                  package.IsCuda() ? "in memory of the device, " : ""));
  for (const Tensor* tensor : package.tensors) text += Wrapped("//   ", "//     ", TensorText(package, *tensor));
  if (!spec.scalars.empty()) text += Commented("//", "Scalars, by value:");
  for (const Scalar& scalar : spec.scalars) text += Commented("//  ", ScalarNote(package, scalar));
  text += "//\n";
  return text + Commented("//", fmt::format("{} Bytes between the elements of strided tensors are left alone.",
                                            CallNotes(package)));
}

// Without the newline at its end: the templates have it.
std::string Cut(std::string text) {
  text.pop_back();
  return text;
}

}  // namespace

std::string HeaderText(const Package& package) {
  return Filled(kExportHeader, {{"INTRO", Cut(Intro(package))},
                                {"DIMS", DimsText(package)},
                                {"DIMS_TYPE", package.dims_type},
                                {"ALLOW", Cut(AllowText(package))},
                                {"DECLARATIONS", std::string(DeclarationsText(package))},
                                {"CODES", std::string(CodesText(package))},
                                {"STATUS", std::string(StatusText(package))},
                                {"OPTIONS", OptionsText(package)},
                                {"WORKSPACE", Cut(WorkspaceText(package))},
                                {"RUN", Cut(RunNotes(package))},
                                {"RUN_DECLARATION", Lines("Status Run(", Parameters(package, true), ")")},
                                {"NAME", package.name}});
}

}  // namespace kopt
