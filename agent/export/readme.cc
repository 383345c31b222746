// README.md and CMakeLists.txt of an exported project.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/export/parts.h"
#include "base/printable.h"
#include "task/cpu_source.h"

namespace kopt {

extern const std::string_view kExportReadme;
extern const std::string_view kExportCMake;
extern const std::string_view kExportLibraryCpu;
extern const std::string_view kExportLibraryCuda;

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
    text +=
        fmt::format("{}| {} | `kernel_{}.{}` | {} |", text.empty() ? "" : "\n", ShapeText(package.spec(), *shape.shape),
                    shape.kernel, package.IsCuda() ? "cubin" : "cpp", shape.scored ? "yes" : "");
  return text;
}

std::string Item(const std::string& words) { return Wrapped("- ", "  ", words); }
std::string Paragraph(const std::string& words) { return Wrapped("", "", words); }

std::string Intro(const Package& package) {
  return Paragraph(
      fmt::format("A kernel as a C++ library: one header, `include/{0}.h`, and one function, `{0}::Run`. kopt {1} "
                  "found it in its run `{2}`. It needs {3} and CMake 3.21, and nothing of kopt.",
                  package.name, package.version, package.run.row.run,
                  package.IsCuda() ? "g++, the CUDA toolkit" : "g++ with OpenMP, binutils"));
}

std::string Build(const Package& package) {
  const bool cuda = package.IsCuda();
  const std::string example = ExampleText(package).empty()
                                  ? ""
                                  : fmt::format("`{}build/{}_example` prints how long a call takes. ",
                                                cuda ? "" : "OMP_PROC_BIND=true ", package.name);
  const std::string library = "`-DBUILD_SHARED_LIBS=ON` makes a shared library instead of a static one. ";
  if (!cuda)
    return Paragraph(example + library +
                     "Either way `Run` and `WorkspaceBytes` are its only visible names, so that it meets nothing else "
                     "in a program.");
  return Paragraph(example + library +
                   fmt::format("Of the toolkit only the driver's header and its stub library are used "
                               "(`-DCUDAToolkit_ROOT=` says where it is), and at run time only the driver: one that "
                               "loads what {} makes. nvcc is not needed. Where there is no device the test is skipped.",
                               package.code.compiler));
}

std::string Memory(const Package& package) {
  if (package.candidate().scratch.empty())
    return Item(fmt::format("**Memory.** The kernel's plan needs none beside the tensors{}.",
                            package.IsCuda() ? "" : "; what its functions allocate is theirs"));
  return Item(fmt::format(
      "**Memory.** `Run` allocates the plan's intermediate results and frees them again{}, unless `options.workspace` "
      "is memory of yours: `WorkspaceBytes(dims)` bytes{}, which may be kept from call to call{}.",
      package.IsCuda() ? ", in the order of the stream" : "", package.IsCuda() ? " of the device" : "",
      package.IsCuda() ? " in one stream" : ""));
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

std::string CpuItems(const Package& package) {
  return Item(
             "**Alignment.** `new`, `malloc` and `std::vector` give 16 bytes; `std::aligned_alloc(256, bytes)` gives "
             "what "
             "the kernel may rely on here. To do with less, write `align` in the spec and judge again.") +
         Memory(package) + Threads(package) +
         Item(
             "**Floating point.** Judged with the default environment: rounding to nearest, subnormals not flushed to "
             "zero. A program linked with `-ffast-math` changes that for everything that runs in it.");
}

std::string CudaItems(const Package& package) {
  return Item(
             "**Pointers** are those of device memory. `cudaMalloc` and `cuMemAlloc` give multiples of 256 bytes, "
             "which "
             "the kernel may rely on here. To do with less, write `align` in the spec and judge again.") +
         Item(
             "**Devices and streams.** `Run` works in the CUDA context that is current in the calling thread, the "
             "runtime's too, and puts its work into `options.stream` without waiting for it. Any thread may call it. "
             "The "
             "first call in a context loads the kernels: call once before a stream is captured into a graph. Kernels "
             "were judged one call at a time: calls in different streams at once are safe unless the source keeps "
             "something in `__device__` variables.") +
         Memory(package);
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

std::string CpuSources(const Package& package) {
  return Item(
      fmt::format("What was judged are these sources, compiled by this machine's g++ with `{}`. `-march=native` "
                  "makes the library specific to the kind of CPU it is built on: `-D{}_MARCH=x86-64-v3` (or "
                  "another, or nothing) makes one for others, which nobody has judged. The same holds for other "
                  "compilers and options, and for other machines. Run the tests there.",
                  Flags(true), package.name));
}

std::string CudaSources(const Package& package) {
  const std::string flags = fmt::format("{}", fmt::join(package.code.flags, " "));
  return Item(fmt::format("What runs is the binary code that was judged, `src/kernel_N.cubin`: {} made it of "
                          "`src/kernel_N.cu`, with "
                          "`{}` and the folders of the toolkit's headers, `include` and `include/cccl`. It runs on "
                          "compute capability "
                          "{}.{} and nowhere else: another device is refused with `Code::kNoDevice`.",
                          package.code.compiler, flags, package.Capability() / 10, package.Capability() % 10)) +
         Item(fmt::format(
             "`nvcc -cubin -std=c++20 -arch={} src/kernel_N.cu` compiles it too, if every function says that it is for "
             "the device. What it makes was not judged.",
             package.code.architecture)) +
         Item(fmt::format("Judged on {}. Another device of that compute capability runs the same code, with the plan's "
                          "sizes by its own number of multiprocessors{}; nobody has judged it there. Run the tests.",
                          package.device.name,
                          package.Names("SMS") ? ", which must be the same here, because the code names it" : ""));
}

std::string FilesText(const Package& package) {
  if (!package.IsCuda())
    return "| `src/kernel_N.cpp` | the kernel compiled for one combination of constant dims |\n"
           "| `src/run.cpp`, `src/checked.h`, `src/threads.h` | checks, memory and the steps of the kernel's plan |\n"
           "| `src/prefix.h` | what stands in front of every kernel: headers, small floating types |\n";
  return "| `src/kernel_N.cu` | what the compiler was given for one combination of constant dims |\n"
         "| `src/kernel_N.cubin` | what it made of it: the code that was judged |\n"
         "| `src/run.cpp`, `src/plan.h`, `src/checked.h`, `src/device.h` | checks, memory and the steps of the "
         "kernel's plan |\n"
         "| `src/prefix.cuh` | what stands in front of every kernel: number types |\n" +
         std::string(package.NeedsSmallFloats() ? "| `src/small_floats.h` | scalars of types that C++ does not have |\n"
                                                : "");
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
  const bool cuda = package.IsCuda();
  return Filled(
      kExportReadme,
      {{"NAME", package.name},
       {"SUMMARY", Printable(spec.summary.empty() ? spec.name : spec.summary)},
       {"INTRO", Intro(package)},
       {"BUILD", Build(package)},
       {"CALL", Lines(fmt::format("{0}::Status status = {0}::Run(", package.name), CallArguments(package), ");")},
       {"ITEMS", cuda ? CudaItems(package) : CpuItems(package)},
       {"MEASURED", Paragraph("Measured: " + MeasuredText(package) + ".")},
       {"JUDGED", HowJudged(package)},
       {"SHAPES", Shapes(package)},
       {"UNJUDGED", Unjudged(package)},
       {"SOURCES", cuda ? CudaSources(package) : CpuSources(package)},
       {"KERNEL", package.KernelFile()},
       {"FILES", FilesText(package)},
       {"MEASURED_HOW", cuda ? "\nIt is the time of the device: what a call costs the CPU is not in it." : ""},
       {"CTEST", CTest(package)}});
}

std::string CMakeText(const Package& package) {
  const bool cuda = package.IsCuda();
  const std::string library = Filled(cuda ? kExportLibraryCuda : kExportLibraryCpu,
                                     {{"NAME", package.name},
                                      {"FLAGS", Flags(false)},
                                      {"LAST_KERNEL", fmt::to_string(package.kernels.size() - 1)},
                                      {"MANGLED", fmt::format("_ZN{}{}", package.name.size(), package.name)}});
  const std::string skip = fmt::format(
      "  set_tests_properties({} PROPERTIES SKIP_RETURN_CODE 77\n"
      "                       SKIP_REGULAR_EXPRESSION \"libcuda.so.1: cannot open shared object file\")\n",
      package.name);
  return Filled(kExportCMake, {{"NAME", package.name},
                               {"DEPENDENCY", cuda ? "CUDAToolkit" : "OpenMP COMPONENTS CXX"},
                               {"LINKED", cuda ? "CUDA::cuda_driver" : "OpenMP::OpenMP_CXX"},
                               {"PROGRAMS_LINK", cuda ? " CUDA::cuda_driver" : ""},
                               {"TEST_PROPERTIES", cuda ? skip : ""},
                               {"LIBRARY", library}});
}

}  // namespace kopt
