#include "cli/kopt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/exceptions.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/output.h"
#include "task/nearest.h"

namespace kopt {
namespace {

constexpr const char* kDescription =
    "Turns a spec of what to compute into the fastest kernel that can be proved correct on this machine.";
constexpr const char* kFooter =
    "Begin with `kopt init my_task`, then `kopt check my_task.spec` and `kopt optimize my_task.spec --budget 1m`.";

const CLI::App* ChosenCommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? &app : ChosenCommand(*chosen.front());
}

std::vector<std::string> FlagsOf(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

Error UsageOf(const CLI::App& command, std::string message, std::string key = "") {
  return {.exit = Exit::kUsage,
          .message = std::move(message),
          .key = std::move(key),
          .hint = fmt::format("see `{} --help`", FullName(command))};
}

Error UnknownArgument(const CLI::App& app, const CLI::App& command, const std::string& argument) {
  const bool is_flag = argument.starts_with("-");
  const bool at_top = &app == &command;
  const std::string word = argument.substr(0, argument.find('='));
  const char* kind = is_flag ? "option" : at_top ? "command" : "argument";
  Error error = UsageOf(command, fmt::format("unknown {} `{}`", kind, word), word);
  if (!is_flag && !at_top) error.message = fmt::format("unexpected argument `{}`", argument);
  const std::string near = is_flag ? Nearest(word, FlagsOf(command)) : at_top ? Nearest(word, CommandsOf(app)) : "";
  if (!near.empty()) error.hint = fmt::format("did you mean `{}`?", near);
  return error;
}

// The culprit among what was not understood: a command where one is missing, else the first option, whose value is
// innocent, else the first word.
std::string FirstOf(const std::vector<std::string>& extras, bool wants_flag) {
  const auto is_flag = [&](const std::string& word) { return word.starts_with("-") == wants_flag; };
  const auto flag = std::find_if(extras.begin(), extras.end(), is_flag);
  return flag == extras.end() ? extras.front() : *flag;
}

// The words of a command line error are ours, so that they do not change with the parser's version.
Error ParseFailure(const CLI::App& app, const CLI::ParseError& failure) {
  const CLI::App& command = *ChosenCommand(app);
  const auto extras = command.remaining();
  if (failure.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError) && !extras.empty())
    return UnknownArgument(app, command, FirstOf(extras, &command != &app));
  if (failure.get_exit_code() == static_cast<int>(CLI::ExitCodes::RequiredError)) {
    if (!extras.empty()) return UnknownArgument(app, command, FirstOf(extras, &command != &app));
    if (&command == &app) return UsageOf(app, "no command given");
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_required() && option->count() == 0) {
        return UsageOf(command, fmt::format("`{}` needs {}", FullName(command), option->get_name(true)),
                       option->get_name(true));
      }
    }
  }
  return UsageOf(command, failure.what());
}

int Fail(const Error& error, bool json, Host& host) {
  if (json) {
    PrintDocument(host.out, ErrorDocument(error));
  } else {
    host.err << ErrorText(error) << std::flush;
  }
  return static_cast<int>(error.exit);
}

Result<int> Act(const Action& action, Context& context) {
  return WithoutExceptions([&]() -> Result<int> {
    KOPT_CHECK(context.ReadConfig());
    return action(context);
  });
}

}  // namespace

int RunKopt(const std::vector<std::string>& arguments, Host& host) {
  Context context(host);
  Action action;
  CLI::App app(kDescription, "kopt");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "print this text");
  app.set_version_flag("--version", std::string("kopt ") + kVersion, "print the version");
  app.require_subcommand(1);
  AddInit(app, context, action);
  AddCheck(app, context, action);
  AddVerify(app, context, action);
  AddBench(app, context, action);
  AddOptimize(app, context, action);
  AddTune(app, context, action);
  AddResume(app, context, action);
  AddNext(app, context, action);
  AddReply(app, context, action);
  AddWork(app, context, action);
  AddRuns(app, context, action);
  AddShow(app, context, action);
  AddExport(app, context, action);
  AddDoctor(app, context, action);
  const bool json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    host.out << ChosenCommand(app)->help() << std::flush;
    return 0;
  } catch (const CLI::CallForVersion&) {
    host.out << "kopt " << kVersion << std::endl;
    return 0;
  } catch (const CLI::ParseError& failure) {
    return Fail(ParseFailure(app, failure), json, host);
  }
  const Result<int> done = Act(action, context);
  return done ? *done : Fail(done.error(), json, host);
}

}  // namespace kopt
