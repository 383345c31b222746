#include "agent/export/export.h"

#include <fmt/format.h>

#include <utility>

#include "agent/export/parts.h"
#include "agent/manifest.h"
#include "base/files.h"
#include "task/cpu_prefix.h"

namespace kopt {

extern const std::string_view kExportChecked;
extern const std::string_view kExportDevice;
extern const std::string_view kExportPlan;
extern const std::string_view kExportTestMemoryCpu;
extern const std::string_view kExportTestMemoryCuda;
extern const std::string_view kExportTestSupport;
extern const std::string_view kExportThreads;

namespace {

// The small floating types, and what else stands in front of every candidate on the CPU.
std::string CpuPrefixText(const char* what) {
  std::string_view text = kCpuPrefix;
  if (text.starts_with("#line")) text.remove_prefix(text.find('\n') + 1);
  return fmt::format("// {}\n#pragma once\n\n{}", what, text);
}

// src/ beside the kernels.
std::vector<ExportFile> CpuFiles(const Package& package) {
  return {{"src/run.cpp", CpuRunText(package)},
          {"src/prefix.h", CpuPrefixText("What stands in front of every kernel that kopt judges.")},
          {"src/threads.h", std::string(kExportThreads)}};
}
std::vector<ExportFile> CudaFiles(const Package& package) {
  std::vector<ExportFile> files = {
      {"src/run.cpp", CudaRunText(package)},
      {"src/prefix.cuh",
       "// What stands in front of every kernel that kopt judges.\n#pragma once\n\n" + package.code.prefix},
      {"src/device.h", std::string(kExportDevice)},
      {"src/plan.h", std::string(kExportPlan)}};
  if (package.NeedsSmallFloats())
    files.push_back({"src/small_floats.h", CpuPrefixText("Floating types that C++ does not have.")});
  for (size_t kernel = 0; kernel < package.kernels.size(); ++kernel)
    files.push_back({fmt::format("src/kernel_{}.cubin", kernel), package.code.binaries[kernel]});
  return files;
}

Result<std::vector<ExportFile>> Files(const Package& package) {
  const bool cuda = package.IsCuda();
  std::vector<ExportFile> files = {
      {"README.md", ReadmeText(package)},
      {"CMakeLists.txt", CMakeText(package)},
      {"include/" + package.name + ".h", HeaderText(package)},
      {"src/" + package.KernelFile(), SourceWithBoundTunables(package.candidate(), package.winner.configuration)},
      {"src/checked.h", std::string(kExportChecked)}};
  for (ExportFile& file : cuda ? CudaFiles(package) : CpuFiles(package)) files.push_back(std::move(file));
  for (size_t kernel = 0; kernel < package.kernels.size(); ++kernel) {
    KOPT_TRY(std::string text, KernelText(package, kernel));
    files.push_back({fmt::format("src/kernel_{}.{}", kernel, cuda ? "cu" : "cpp"), std::move(text)});
  }
  if (std::string example = ExampleText(package); !example.empty())
    files.push_back({"example/main.cpp", std::move(example)});
  files.push_back({"tests/test.cpp", TestText(package)});
  files.push_back({"tests/support.h", std::string(kExportTestSupport)});
  files.push_back({"tests/memory.h", std::string(cuda ? kExportTestMemoryCuda : kExportTestMemoryCpu)});
  for (ExportFile& file : DataFiles(package)) files.push_back(std::move(file));
  const auto manifest = ManifestOf(package.run.row, package.run.contestants, package.candidate(), package.winner);
  files.push_back(
      {"manifest.json", manifest.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"});
  return files;
}

nlohmann::ordered_json ShapesJson(const Package& package) {
  auto list = nlohmann::ordered_json::array();
  for (const PackageShape& shape : package.shapes) {
    auto dims = nlohmann::ordered_json::object();
    for (const std::string& dim : package.spec().dims) dims[dim] = shape.shape->dims.at(dim);
    list.push_back({{"dims", dims}, {"scored", shape.scored}});
  }
  return list;
}

Result<void> WriteFiles(const Export& made, const std::filesystem::path& folder) {
  for (const ExportFile& file : made.files) {
    const std::filesystem::path path = folder / file.path;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error)
      return EnvironmentError(fmt::format("cannot create {}: {}", path.parent_path().string(), error.message()));
    KOPT_CHECK(WriteFile(path, file.content));
  }
  return {};
}

std::string CompilerIn(const nlohmann::ordered_json& facts) {
  return facts.is_object() ? facts.value("compiler", "") : "";
}

// The binaries that a compiler makes now are those that were judged if it is the same.
Result<void> CheckCompiler(const RunRow& row, const Device& device) {
  const bool known = row.settings.is_object() && row.settings.contains("made_with");
  const std::string then = known ? CompilerIn(row.settings["made_with"]) : "", now = CompilerIn(device.facts);
  if (then.empty() || now.empty() || then == now) return {};
  return EnvironmentError(fmt::format("the run {} was judged with code by {}; here {} compiles", row.run, then, now),
                          "export it where that compiler is, or optimize here with --from: what is exported must be "
                          "the code that was judged");
}

}  // namespace

Result<const Judged*> ExportableWinner(const StoredRun& run, const Device& device) {
  const std::string& name = run.row.run;
  const Judged* winner = Winner(run.confirmations);
  if (winner == nullptr) {
    return UsageError(
        fmt::format("the run {} has no confirmed winner, so there is nothing to export", name),
        fmt::format("`kopt show {}` says what it found; kopt resume {} --budget T gives it more time", name, name));
  }
  if (run.row.device == device.name) return winner;
  return EnvironmentError(fmt::format("the run {} was judged on {}, this is {}", name, run.row.device, device.name),
                          "export it there, or optimize here: what was proved is about one kind of device");
}

Result<Export> MakeExport(const StoredRun& run, const std::string& version, Verifier& verifier) {
  KOPT_TRY(const Judged* winner, ExportableWinner(run, verifier.device()));
  Package package = MakePackage(run, *winner, verifier.device(), version);
  if (package.IsCuda()) {
    KOPT_CHECK(CheckCompiler(run.row, verifier.device()));
    KOPT_TRY(package.code, verifier.Compile(package.candidate(), winner->configuration, package.kernels));
  }
  for (const Shape* shape : ExampleShapes(package)) {
    KOPT_TRY(BoundTask task, Bind(run.spec, *shape));
    KOPT_TRY(Example example, verifier.DrawExample(*shape));
    package.examples.push_back({.shape = shape, .task = std::move(task), .example = std::move(example)});
  }
  Export made{.package = package.name, .function = package.name + "::Run", .shapes = ShapesJson(package)};
  KOPT_TRY(made.files, Files(package));
  return made;
}

Result<void> WriteExport(const Export& made, const std::filesystem::path& folder) {
  auto written = WriteFiles(made, folder);
  if (written) return written;
  std::error_code ignored;
  for (const ExportFile& file : made.files)
    std::filesystem::remove_all(folder / *std::filesystem::path(file.path).begin(), ignored);
  return written;
}

}  // namespace kopt
