#include "agent/export/export.h"

#include <fmt/format.h>

#include "agent/results.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

std::string SummaryText(const Export& made, const std::filesystem::path& folder) {
  const auto cmake = fmt::format("cmake -S {0} -B {0}/build && cmake --build {0}/build && ctest --test-dir {0}/build",
                                 folder.string());
  return Table({{"exported", folder.string()},
                {"function", fmt::format("{} in {}.h", made.function, made.package)},
                {"shapes", fmt::format("{} judged", made.shapes.size())},
                {"files", fmt::to_string(made.files.size())},
                {"build", cmake}},
               0);
}

Result<Export> Make(const StoredRun& run, Context& context) {
  KOPT_TRY(const auto verifier, context.backend().new_verifier(run.spec, context.OptionsFor({})));
  return MakeExport(run, kVersion, *verifier);
}

Result<int> RunExport(const std::string& name, const std::string& out, Context& context) {
  KOPT_TRY(Store store, context.OpenStore());
  KOPT_TRY(RunRow row, store.FindRun(name));
  KOPT_TRY(const StoredRun run, LoadRun(store, std::move(row), context.KeptFiles()));
  KOPT_CHECK(context.UseTarget(run.target));
  KOPT_CHECK(ExportableWinner(run, context.device()));
  const std::filesystem::path folder = out.empty() ? PackageName(run.spec.name) + "-export" : out;
  KOPT_CHECK(PrepareResultsFolder(folder));
  auto made = Make(run, context);
  auto written = made ? WriteExport(*made, folder) : std::unexpected(made.error());
  if (!written) {
    std::error_code ignored;
    std::filesystem::remove(folder, ignored);  // only if it is empty
    return std::unexpected(std::move(written).error());
  }
  ordered_json files = ordered_json::array();
  for (const ExportFile& file : made->files) files.push_back(file.path);
  context.Print(SummaryText(*made, folder));
  context.Document({{"kopt", 1},
                    {"run", run.row.run},
                    {"folder", folder.string()},
                    {"files", files},
                    {"function", made->function},
                    {"shapes", made->shapes}});
  return 0;
}

}  // namespace

void AddExport(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("export", "write a run's winner as a C++ library with a test of its own");
  auto run = std::make_shared<std::string>(), out = std::make_shared<std::string>();
  command->add_option("RUN", *run, "a run's name, the beginning of one, or `last`")->required();
  command->add_option("--out", *out, "its folder, new or empty (default: TASK-export)")->type_name("DIR");
  AddStateFlags(*command, context.flags());
  command->add_flag("--unsafe-no-sandbox", context.flags().unsafe_no_sandbox, "run references without isolation");
  command->callback([&action, run, out] { action = [run, out](Context& c) { return RunExport(*run, *out, c); }; });
}

}  // namespace kopt
