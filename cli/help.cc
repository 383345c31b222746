#include "cli/help.h"

#include <fmt/format.h>

#include <vector>

#include "cli/output.h"

namespace kopt {
namespace {

std::string Usage(const CLI::App* app) {
  std::string text = FullName(*app);
  if (!app->get_subcommands(nullptr).empty()) {
    return text + (app->get_require_subcommand_min() > 0 ? " COMMAND [options]" : " [COMMAND] [options]");
  }
  for (const CLI::Option* option : app->get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_name(true);
    text += option->get_required() ? " " + name : " [" + name + "]";
  }
  return text + " [options]";
}

std::string Flag(const CLI::Option* option) {
  std::string text;
  for (const std::string& name : option->get_snames()) text += (text.empty() ? "-" : ", -") + name;
  for (const std::string& name : option->get_lnames()) text += (text.empty() ? "--" : ", --") + name;
  if (option->get_type_size() != 0 && !option->get_type_name().empty()) text += " " + option->get_type_name();
  return text;
}

void AddSection(std::string& text, const std::string& title, const std::vector<std::vector<std::string>>& rows) {
  if (!rows.empty()) text += "\n" + title + ":\n" + Table(rows);
}

}  // namespace

std::string FullName(const CLI::App& app) {
  return app.get_parent() == nullptr ? "kopt" : FullName(*app.get_parent()) + " " + app.get_name();
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  std::vector<std::vector<std::string>> positionals, flags, commands;
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional()) {
      positionals.push_back({option->get_name(true), option->get_description()});
    } else {
      flags.push_back({Flag(option), option->get_description()});
    }
  }
  for (const CLI::App* command : app->get_subcommands(nullptr)) {
    commands.push_back({command->get_name(), command->get_description()});
  }
  std::string text = fmt::format("usage: {}\n\n{}\n", Usage(app), app->get_description());
  AddSection(text, "commands", commands);
  AddSection(text, "arguments", positionals);
  AddSection(text, "options", flags);
  if (!app->get_footer().empty()) text += "\n" + app->get_footer() + "\n";
  return text;
}

}  // namespace kopt
