#include <fmt/format.h>

#include <cctype>
#include <filesystem>
#include <utility>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/init_text.h"
#include "task/spec.h"

namespace kopt {
namespace {

constexpr size_t kLongestName = 60;

Result<void> CheckName(const std::string& name) {
  bool fine = !name.empty() && name.size() <= kLongestName && std::isalpha(static_cast<unsigned char>(name[0])) != 0;
  for (char c : name) fine = fine && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
  if (fine) return {};
  return std::unexpected(
      Error{.exit = Exit::kUsage,
            .message = fmt::format("`{}` cannot be a task's name", name),
            .key = "NAME",
            .hint = fmt::format("a letter, then letters, digits and _, at most {} characters", kLongestName)});
}

Result<int> RunInit(const std::string& name, Context& context) {
  KOPT_CHECK(CheckName(name));
  const std::vector<std::pair<std::string, std::string>> files = {
      {name + ".spec", InitSpec(name)}, {name + ".cpp", InitSeed(name)}, {name + "_baseline.cpp", InitBaseline(name)}};
  KOPT_CHECK(ParseSpec(files[0].second, files[0].first));
  for (const auto& [file, text] : files) {
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, error))) continue;
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = "the file exists; nothing was written",
                                 .file = file,
                                 .hint = "choose another name, or remove the file"});
  }
  nlohmann::ordered_json names = nlohmann::ordered_json::array();
  for (const auto& [file, text] : files) {
    KOPT_CHECK(WriteFile(file, text));
    names.push_back(file);
  }
  context.Print(
      fmt::format("wrote {0}.spec           what to compute\n"
                  "wrote {0}.cpp            the seed: right, and tunable\n"
                  "wrote {0}_baseline.cpp   what speedup is measured against\n\n"
                  "next: kopt check {0}.spec\n"
                  "      kopt optimize {0}.spec --budget 1m\n",
                  name));
  context.Document({{"kopt", 1}, {"files", names}});
  return 0;
}

}  // namespace

void AddInit(CLI::App& app, Context& context, Action& action) {
  CLI::App* command = app.add_subcommand("init", "write a commented spec with a right, tunable seed and a baseline");
  auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "the task's name; files are written to the current folder")->required();
  command->add_flag("--json", context.flags().json, "print one JSON document and nothing else");
  command->callback([&action, name] { action = [name](Context& c) { return RunInit(*name, c); }; });
}

}  // namespace kopt
