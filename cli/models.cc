#include "cli/models.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/files.h"
#include "cli/duration.h"

namespace kopt {
namespace {

constexpr const char* kOpenAi = "https://api.openai.com/v1";
constexpr size_t kMostKey = 4096;  // bytes of a file that holds one

std::unexpected<Error> Refuse(std::string message, std::string key, std::string hint) {
  return std::unexpected(
      Error{.exit = Exit::kUsage, .message = std::move(message), .key = std::move(key), .hint = std::move(hint)});
}

// The error of a part that does not know which setting its value came from.
template <class T>
Result<T> From(const std::string& source, Result<T> result) {
  if (!result) result.error().key = source;
  return result;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// The flags that need a model; the first that is given.
std::string FirstGiven(const ModelFlags& flags) {
  if (!flags.models.empty()) return "--model";
  if (!flags.replay.empty()) return "--replay";
  if (!flags.record.empty()) return "--record";
  if (!flags.base_url.empty()) return "--base-url";
  if (!flags.max_tokens.empty()) return "--max-tokens";
  return flags.temperature.empty() ? "" : "--temperature";
}

Result<void> CheckTogether(const ModelFlags& flags) {
  const std::string given = FirstGiven(flags);
  if (flags.no_model && !given.empty()) {
    return Refuse(fmt::format("--no-model and {} contradict each other", given), given, "leave out one of them");
  }
  if (!flags.record.empty() && !flags.replay.empty()) {
    return Refuse("what is played back is recorded already", "--record", "leave out --record or --replay");
  }
  return {};
}

Result<void> AddNames(const Setting& setting, std::vector<std::string>& names) {
  std::string_view rest = setting.value;
  for (bool more = true; more;) {
    const size_t comma = rest.find(',');
    const std::string_view name = Trimmed(rest.substr(0, comma));
    if (name.empty()) {
      return Refuse(fmt::format("`{}` holds an empty model name", setting.value), setting.source,
                    "name a model, or several with commas between them");
    }
    names.emplace_back(name);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
  }
  return {};
}

Result<std::vector<std::string>> NamesOf(const ModelFlags& flags, const Config& config) {
  std::vector<std::string> names;
  for (const std::string& model : flags.models) KOPT_CHECK(AddNames({model, "--model"}, names));
  if (!names.empty()) return names;
  if (const auto setting = config.Find("model", "")) KOPT_CHECK(AddNames(*setting, names));
  if (names.empty() && !flags.replay.empty()) names.emplace_back("replay");
  return names;
}

Result<Setting> BaseUrlOf(const ModelFlags& flags, const Config& config, const std::string& model) {
  if (auto setting = config.Find("base_url", flags.base_url)) return *std::move(setting);
  if (config.Variable("OPENAI_API_KEY")) return Setting{kOpenAi, "default"};
  return Refuse(fmt::format("nothing says where the model `{}` is asked", model), "--base-url",
                "give --base-url URL, for example http://localhost:8000/v1, or set KOPT_BASE_URL or `base_url` in "
                "config.toml; for api.openai.com, OPENAI_API_KEY is enough");
}

// Nothing if the setting is missing.
template <class T>
Result<std::optional<T>> NumberOf(const std::optional<Setting>& setting, T least, T most, const char* what,
                                  const char* hint) {
  if (!setting) return std::nullopt;
  const std::string& text = setting->value;
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && stop == text.data() + text.size() && value >= least && value <= most) return value;
  return Refuse(fmt::format("`{}` is no {}", text, what), setting->source, hint);
}

Result<double> SecondsOf(const Config& config, const char* key, const char* fallback) {
  const Setting setting = config.Find(key, "").value_or(Setting{fallback, "default"});
  return ParseDuration(setting.value, setting.source);
}

// A path that does not lead to a file is not shown: it may be a key in the wrong place.
Result<std::string> ReadKeyFile(const Setting& setting, const Config& config) {
  constexpr const char* kHint = "name a file whose only line is the API key";
  std::string path = setting.value;
  if (const auto home = config.Variable("HOME"); home && path.starts_with("~/")) path.replace(0, 1, home->value);
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status{};
  if (!fd.valid() || fstat(fd.get(), &status) != 0) {
    return Refuse(fmt::format("the file with the API key cannot be read: {}", std::strerror(errno)), setting.source,
                  kHint);
  }
  const auto refuse = [&](std::string message, std::string hint) {
    return std::unexpected(Error{.exit = Exit::kUsage,
                                 .message = std::move(message),
                                 .file = path,
                                 .key = setting.source,
                                 .hint = std::move(hint)});
  };
  if (!S_ISREG(status.st_mode)) return refuse("this is no file that could hold an API key", kHint);
  if ((status.st_mode & 077) != 0) {
    return refuse("others than its owner have rights on the file with the API key", fmt::format("chmod 600 {}", path));
  }
  std::string text(kMostKey, '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  const std::string_view key =
      Trimmed(std::string_view(text).substr(0, static_cast<size_t>(std::max(size, ssize_t{0}))));
  if (key.empty()) return refuse("the file holds no API key", kHint);
  if (key.find('\n') != std::string_view::npos || static_cast<size_t>(size) == kMostKey) {
    return refuse("the file holds more than an API key", kHint);
  }
  return std::string(key);
}

// Value: the key; empty if there is none.
Result<Setting> KeyOf(const Config& config) {
  if (auto key = config.Variable("KOPT_API_KEY")) return *std::move(key);
  const auto file = config.Find("api_key_file", "");
  auto shared = config.Variable("OPENAI_API_KEY");
  if (!file || (shared && file->source != "KOPT_API_KEY_FILE")) return std::move(shared).value_or(Setting());
  KOPT_TRY(std::string key, ReadKeyFile(*file, config));
  return Setting{std::move(key), file->source};
}

Result<ChatClientOptions> ClientOptionsOf(const Config& config, Patience patience) {
  ChatClientOptions options;
  KOPT_TRY(options.idle_seconds, SecondsOf(config, "idle_timeout", kIdleTimeout));
  KOPT_TRY(options.total_seconds, SecondsOf(config, "total_timeout", kTotalTimeout));
  if (patience == Patience::kOneTry) {
    options.total_seconds = std::min(options.total_seconds, kOneTrySeconds);
    options.tries = 1;
  }
  return options;
}

Result<Models> OpenClient(const ModelFlags& flags, const Config& config, Patience patience,
                          std::vector<std::string> names) {
  KOPT_TRY(ChatClientOptions options, ClientOptionsOf(config, patience));
  KOPT_TRY(const Setting base_url, BaseUrlOf(flags, config, names.front()));
  options.base_url = base_url.value;
  KOPT_CHECK(From(base_url.source, ChatClient::Create(options)));  // what is wrong here is not the key
  KOPT_TRY(Setting key, KeyOf(config));
  options.key = std::move(key.value);
  KOPT_TRY(auto client, From(key.source, ChatClient::Create(options)));
  std::string base = client->base_url();
  Models models(std::move(client), std::move(names));
  models.base_url = std::move(base);
  models.key_source = std::move(key.source);
  return models;
}

Result<Models> OpenAnswers(const ModelFlags& flags, const Config& config, Patience patience,
                           std::vector<std::string> names) {
  if (flags.replay.empty()) return OpenClient(flags, config, patience, std::move(names));
  KOPT_TRY(auto replay, From("--replay", ReplayModel::Open(flags.replay)));
  return Models(std::move(replay), std::move(names));
}

}  // namespace

void AddEndpointFlags(CLI::App& command, ModelFlags& flags) {
  command.add_option("--model", flags.models, "whom to ask; several, or with commas: in turn")
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command.add_option("--base-url", flags.base_url, "of an OpenAI-compatible server: http://localhost:8000/v1")
      ->type_name("URL");
}

void AddModelFlags(CLI::App& command, ModelFlags& flags) {
  AddEndpointFlags(command, flags);
  command.add_option("--max-tokens", flags.max_tokens, "of one reply (default: the server's limit)")->type_name("N");
  command.add_option("--temperature", flags.temperature, "0 to 2 (default: the server's)")->type_name("X");
  command.add_option("--record", flags.record, "keep questions and answers in this file")->type_name("FILE");
  command.add_option("--replay", flags.replay, "take the answers from such a file, and ask nobody")->type_name("FILE");
  command.add_flag("--no-model", flags.no_model, "ask none, although settings name one");
}

Result<void> Models::Record(const std::string& file) {
  KOPT_TRY(recording_, From("--record", RecordingModel::Open(*answers_, file)));
  return {};
}

std::optional<Error> Models::RecordingFailure() const { return recording_ ? recording_->failure() : std::nullopt; }

Result<std::optional<Models>> OpenModels(const ModelFlags& flags, const Context& context, Patience patience) {
  const Config& config = context.config();
  KOPT_CHECK(CheckTogether(flags));
  if (flags.no_model) return std::nullopt;
  KOPT_TRY(std::vector<std::string> names, NamesOf(flags, config));
  if (names.empty()) {
    const std::string given = FirstGiven(flags);
    if (given.empty()) return std::nullopt;
    return Refuse(fmt::format("{} is given, but no model is named", given), given,
                  "name one with --model NAME, KOPT_MODEL, or `model` in config.toml");
  }
  KOPT_TRY(const auto max_tokens, NumberOf<int>(config.Find("max_tokens", flags.max_tokens), 1, 1 << 30,
                                                "number of tokens", "a whole number above 0, for example 16000"));
  KOPT_TRY(const auto temperature, NumberOf<double>(config.Find("temperature", flags.temperature), 0, 2, "temperature",
                                                    "a number from 0 to 2"));
  KOPT_TRY(Models models, OpenAnswers(flags, config, patience, std::move(names)));
  models.prices = config.prices();
  models.max_tokens = max_tokens.value_or(0);
  models.temperature = temperature;
  if (!flags.record.empty()) KOPT_CHECK(models.Record(flags.record));
  return models;
}

}  // namespace kopt
