// README.md and CMakeLists.txt of an exported project.
#include <fmt/format.h>

#include "agent/export/parts.h"
#include "base/printable.h"
#include "task/cpu_source.h"

namespace kopt {

extern const std::string_view kExportReadme;
extern const std::string_view kExportCMake;

namespace {

// The options that were judged; the instruction set is an option of the project.
std::string Flags(bool with_march) {
  std::string text;
  for (const std::string_view flag : kCpuFlags) {
    if (!with_march && flag.starts_with("-march=")) continue;
    text += fmt::format("{}{}", text.empty() ? "" : " ", flag);
  }
  return text;
}

std::string Shapes(const Package& package) {
  std::string text;
  for (const PackageShape& shape : package.shapes)
    text += fmt::format("{}| {} | `kernel_{}.cpp` | {} |", text.empty() ? "" : "\n",
                        ShapeText(package.spec(), *shape.shape), shape.kernel, shape.scored ? "yes" : "");
  return text;
}

std::string Item(const std::string& words) { return Wrapped("- ", "  ", words); }
std::string Paragraph(const std::string& words) { return Wrapped("", "", words); }

std::string Intro(const Package& package) {
  return Paragraph(
      fmt::format("A kernel as a C++ library: one header, `include/{0}.h`, and one function, `{0}::Run`. kopt {1} "
                  "found it in its run "
                  "`{2}`. It needs g++ with OpenMP, binutils and CMake 3.21, and nothing of kopt.",
                  package.name, package.version, package.run.row.run));
}

std::string Build(const Package& package) {
  const std::string example =
      ExampleText(package).empty()
          ? ""
          : fmt::format("`OMP_PROC_BIND=true build/{}_example` prints how long a call takes. ", package.name);
  return Paragraph(example +
                   "`-DBUILD_SHARED_LIBS=ON` makes a shared library instead of a static one. Either way `Run` and "
                   "`WorkspaceBytes` are its only visible names, so that it meets nothing else in a program.");
}

std::string Memory(const Package& package) {
  if (package.candidate().scratch.empty())
    return Item("**Memory.** The kernel's plan needs none beside the tensors; what its functions allocate is theirs.");
  return Item(
      "**Memory.** `Run` allocates the plan's intermediate results and frees them again, unless "
      "`options.workspace` is memory of yours: `WorkspaceBytes(dims)` bytes, which may be kept from call to call.");
}

std::string Threads(const Package& package) {
  const std::string number = package.names_threads
                                 ? fmt::format(
                                       "The kernel is compiled for {0} threads and uses {0}, whatever "
                                       "OMP_NUM_THREADS says. It cannot be called inside of a parallel region.",
                                       package.threads)
                                 : fmt::format(
                                       "A call uses {} threads, as judged, whatever OMP_NUM_THREADS says; "
                                       "`options.threads` takes another number, which was not judged. Inside of "
                                       "a parallel region it must be 1.",
                                       package.threads);
  return Item("**Threads.** " + number +
              " Any thread may call `Run`; calls take turns. The figures below were taken with each thread on a CPU of "
              "its own, as with `OMP_PROC_BIND=true`.");
}

std::string HowJudged(const Package& package) {
  const Precision& precision = package.spec().precision;
  return Paragraph(fmt::format(
      "At each of these shapes every element of every output was compared with the right answer, on several input "
      "sets; "
      "a result is right within the errors that the declared precision makes (multiply {}, accumulate {}), unless the "
      "header says otherwise about its tensor.",
      precision.multiply, precision.accumulate));
}

std::string Unjudged(const Package& package) {
  if (package.spec().dynamic.empty())
    return Item("Another shape is refused with `Code::kNotJudged`. Every dim is compiled in, so that none can run.");
  return Item(
      "Another shape is refused with `Code::kNotJudged`. With `options.allow_unjudged` it runs if a kernel was "
      "compiled for its constant dims: the same code, but nobody has compared what it computes there.");
}

std::string Sources(const Package& package) {
  return Item(
      fmt::format("What was judged are these sources, compiled by this machine's g++ with `{}`. `-march=native` "
                  "makes the library specific to the kind of CPU it is built on: `-D{}_MARCH=x86-64-v3` (or "
                  "another, or nothing) makes one for others, which nobody has judged. The same holds for other "
                  "compilers and options, and for other machines. Run the tests there.",
                  Flags(true), package.name));
}

std::string CTest(const Package& package) {
  std::string shapes, left_out;
  for (const PackageExample& example : package.examples)
    shapes += (shapes.empty() ? "" : ", ") + ShapeText(package.spec(), *example.shape);
  for (const Tensor* tensor : package.tensors) {
    if (!tensor->IsWritten() || (tensor->compare != Compare::kAny && !tensor->accept)) continue;
    left_out += fmt::format("{}`{}`{}", left_out.empty() ? " Not compared there: " : ", ", tensor->name,
                            tensor->accept ? " (a predicate of the spec decides)" : " (may hold anything)");
  }
  if (shapes.empty())
    return Paragraph(
        "`ctest` compares nothing with right answers: every judged shape has more than 16 MiB of them. A "
        "small `[[check]]` in the spec would change that.");
  return Paragraph(
      fmt::format("`ctest` compares with right answers at {}.{}", shapes, left_out.empty() ? "" : left_out + "."));
}

std::vector<std::string> CallArguments(const Package& package) {
  std::vector<std::string> arguments = {"{" + DimValues(package.spec(), *package.shapes[0].shape) + "}"};
  for (const Tensor* tensor : package.tensors) arguments.push_back(tensor->name);
  for (const Scalar& scalar : package.spec().scalars) arguments.push_back(scalar.name);
  return arguments;
}

}  // namespace

std::string ReadmeText(const Package& package) {
  const Spec& spec = package.spec();
  return Filled(
      kExportReadme,
      {{"NAME", package.name},
       {"SUMMARY", Printable(spec.summary.empty() ? spec.name : spec.summary)},
       {"INTRO", Intro(package)},
       {"BUILD", Build(package)},
       {"CALL", Lines(fmt::format("{0}::Status status = {0}::Run(", package.name), CallArguments(package), ");")},
       {"MEMORY", Memory(package)},
       {"THREADS", Threads(package)},
       {"MEASURED", Paragraph("Measured: " + MeasuredText(package) + ".")},
       {"JUDGED", HowJudged(package)},
       {"SHAPES", Shapes(package)},
       {"UNJUDGED", Unjudged(package)},
       {"SOURCES", Sources(package)},
       {"CTEST", CTest(package)}});
}

std::string CMakeText(const Package& package) {
  return Filled(kExportCMake, {{"NAME", package.name},
                               {"FLAGS", Flags(false)},
                               {"LAST_KERNEL", fmt::to_string(package.kernels.size() - 1)},
                               {"MANGLED", fmt::format("_ZN{}{}", package.name.size(), package.name)}});
}

}  // namespace kopt
