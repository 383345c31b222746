#include "cli/asking_flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "cli/output.h"
#include "cli/run_job.h"

namespace kopt {
namespace {

constexpr size_t kLongestHint = 4000;  // bytes: more would be cut from every prompt

std::unexpected<Error> Refused(const Setting& setting, std::string_view what, std::string hint) {
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("`{}` is no {}", setting.value, what),
                               .key = setting.source,
                               .hint = std::move(hint)});
}

// A whole number from `least` to `most`; nothing if nobody says one.
Result<std::optional<int64_t>> Number(const Context& context, std::string_view key, const std::string& flag,
                                      std::string_view what, int64_t least, int64_t most) {
  const auto setting = context.config().Find(key, flag);
  if (!setting) return std::nullopt;
  int64_t value = 0;
  const char* end = setting->value.data() + setting->value.size();
  const auto [stop, error] = std::from_chars(setting->value.data(), end, value);
  if (error == std::errc() && stop == end && value >= least && value <= most) return value;
  return Refused(*setting, what, fmt::format("a whole number from {} to {}", least, most));
}

Result<std::optional<double>> Dollars(const Context& context, const std::string& flag) {
  const auto setting = context.config().Find("budget_usd", flag);
  if (!setting) return std::nullopt;
  double value = 0;
  const char* end = setting->value.data() + setting->value.size();
  const auto [stop, error] = std::from_chars(setting->value.data(), end, value);
  if (error == std::errc() && stop == end && std::isfinite(value) && value > 0) return value;
  return Refused(*setting, "sum of money", "US dollars, for example 2.50");
}

template <class T>
Result<void> Named(const Context& context, std::string_view key, const std::string& flag,
                   Result<T> (*parse)(std::string_view), T& value) {
  const auto setting = context.config().Find(key, flag);
  if (!setting) return {};
  auto parsed = parse(setting->value);
  if (!parsed) {
    Error error = std::move(parsed).error();
    error.key = setting->source;
    return std::unexpected(std::move(error));
  }
  value = *parsed;
  return {};
}

Result<std::string> HintText(const std::string& hint) {
  if (hint.size() <= kLongestHint) return hint;
  return std::unexpected(Error{.exit = Exit::kUsage,
                               .message = fmt::format("the hint has {} bytes", hint.size()),
                               .key = "--hint",
                               .hint = fmt::format("at most {}: every prompt carries it", kLongestHint)});
}

}  // namespace

void AddAskingFlags(CLI::App& command, AskingFlags& flags) {
  AddModelFlags(command, flags.model);
  command.add_option("--budget-tokens", flags.budget_tokens, "tokens of prompts and replies together")->type_name("N");
  command.add_option("--budget-usd", flags.budget_usd, "US dollars; needs the models' prices in the configuration")
      ->type_name("X");
  command.add_option("--parallel", flags.parallel, "requests to the endpoint at a time (default: 4)")->type_name("N");
  command
      .add_option("--strategy", flags.strategy,
                  "what a prompt shows: window (default; the best turns), history (all turns), best-of-n (none)")
      ->type_name("NAME");
  command.add_option("--top-w", flags.top, "turns that `window` shows (default: 4)")->type_name("N");
  command.add_option("--reward", flags.reward, "that turns are sorted by: drkernel (default), sol")->type_name("NAME");
  command.add_option("--prompt-tokens", flags.prompt_tokens, "of a prompt, at most (default: 64000)")->type_name("N");
  command.add_option("--hint", flags.hint, "what you know and the model should: part of every prompt")
      ->type_name("TEXT");
  command.add_flag("--external", flags.external,
                   "kopt asks nobody: fetch prompts with `kopt next`, hand in replies with `kopt reply`");
}

std::optional<std::string> DefaultOfAsking(std::string_view setting) {
  const Asking defaults;
  if (setting == "parallel") return fmt::to_string(defaults.in_flight);
  if (setting == "prompt_tokens") return fmt::to_string(defaults.prompt_tokens);
  if (setting == "reward") return std::string(Name(defaults.reward));
  if (setting == "strategy") return std::string(Name(defaults.strategy));
  if (setting == "top_w") return fmt::to_string(defaults.top);
  return std::nullopt;
}

Result<Asking> ReadAsking(const AskingFlags& flags, const Context& context) {
  Asking asking{.external = flags.external};
  KOPT_TRY(asking.budget_tokens,
           Number(context, "budget_tokens", flags.budget_tokens, "number of tokens", 1, int64_t{1} << 50));
  KOPT_TRY(asking.budget_usd, Dollars(context, flags.budget_usd));
  KOPT_TRY(const auto parallel, Number(context, "parallel", flags.parallel, "number of requests", 1, kMostInFlight));
  if (parallel) asking.in_flight = asking.most_waiting = static_cast<int>(*parallel);
  KOPT_CHECK(Named(context, "strategy", flags.strategy, ParseStrategy, asking.strategy));
  KOPT_TRY(const auto top, Number(context, "top_w", flags.top, "number of turns", 1, kMostShown));
  if (top) asking.top = static_cast<size_t>(*top);
  KOPT_CHECK(Named(context, "reward", flags.reward, ParseReward, asking.reward));
  KOPT_TRY(const auto prompt,
           Number(context, "prompt_tokens", flags.prompt_tokens, "number of tokens", 1000, 10000000));
  asking.prompt_tokens = prompt.value_or(asking.prompt_tokens);
  KOPT_TRY(asking.hint, HintText(flags.hint));
  const ModelFlags& model = flags.model;
  const bool names_a_model = !model.models.empty() || !model.replay.empty() || !model.record.empty() ||
                             !model.base_url.empty() || !model.max_tokens.empty() || !model.temperature.empty();
  if (flags.external && names_a_model) {
    return std::unexpected(
        Error{.exit = Exit::kUsage,
              .message = "either kopt asks a model or somebody outside does",
              .key = "--external",
              .hint = "leave out --external, or what says how a model is asked (--model, --base-url, --max-tokens, "
                      "--temperature, --record, --replay)"});
  }
  return asking;
}

Result<void> AskModels(Job& job, Models& models) {
  if (job.asking.external) return {};  // a model of the configuration is not meant then
  job.model = &models.chat();
  job.prices = models.prices;
  job.asking.models = models.names();
  job.asking.base_url = models.base_url;
  job.asking.max_tokens = models.max_tokens;
  job.asking.temperature = models.temperature;
  if (!job.asking.budget_usd) return {};
  for (const std::string& name : job.asking.models) {
    if (job.prices.contains(name)) continue;
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = fmt::format("a budget of money needs a price of the model {}", name),
                                 .key = "--budget-usd",
                                 .hint = fmt::format("set prompt and completion, in US dollars per million tokens, "
                                                     "under [prices.\"{}\"] in config.toml",
                                                     name)});
  }
  return {};
}

int ExitWith(int exit, const Models& models, Context& context) {
  const auto failure = models.RecordingFailure();
  if (!failure) return exit;
  context.host().err << ErrorText(*failure) << std::flush;
  return std::max(exit, static_cast<int>(Exit::kEnvironment));
}

std::string AskingCommand(const Asking& asking) {
  std::string text;
  const Asking defaults;
  for (const std::string& model : asking.models) text += " --model " + Quoted(model);
  if (!asking.base_url.empty()) text += " --base-url " + Quoted(asking.base_url);
  if (asking.external) text += " --external";
  if (!asking.Asks()) return text;
  if (asking.max_tokens > 0) text += fmt::format(" --max-tokens {}", asking.max_tokens);
  if (asking.temperature) text += fmt::format(" --temperature {}", *asking.temperature);
  if (asking.budget_tokens) text += fmt::format(" --budget-tokens {}", *asking.budget_tokens);
  if (asking.budget_usd) text += fmt::format(" --budget-usd {}", *asking.budget_usd);
  if (asking.in_flight != defaults.in_flight) text += fmt::format(" --parallel {}", asking.in_flight);
  if (asking.strategy != defaults.strategy) text += fmt::format(" --strategy {}", Name(asking.strategy));
  if (asking.top != defaults.top) text += fmt::format(" --top-w {}", asking.top);
  if (asking.reward != defaults.reward) text += fmt::format(" --reward {}", Name(asking.reward));
  if (asking.prompt_tokens != defaults.prompt_tokens) text += fmt::format(" --prompt-tokens {}", asking.prompt_tokens);
  if (!asking.hint.empty()) text += " --hint " + Quoted(asking.hint);
  return text;
}

}  // namespace kopt
