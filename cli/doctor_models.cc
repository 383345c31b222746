#include "cli/doctor_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <future>
#include <utility>

namespace kopt {
namespace {

constexpr int kAnswerTokens = 64;                      // enough for one word, after a little reasoning
constexpr auto kLook = std::chrono::milliseconds(50);  // from one look for an interrupt to the next

using Answer = std::expected<ChatReply, ChatFailure>;

std::string PriceText(const Prices& prices, const std::string& name) {
  const auto price = prices.find(name);
  if (price == prices.end()) return "price not known";
  return fmt::format("{} and {} US dollars per million tokens of prompts and replies", price->second.prompt,
                     price->second.completion);
}

// `streamed`: pieces arrived before the reply was complete.
Answer AskOneWord(Models& models, const std::string& name, const Interrupts& interrupts, bool& streamed) {
  const ChatRequest request{.model = name,
                            .messages = {{"user", "Answer with the word OK and nothing else."}},
                            .max_tokens = kAnswerTokens,
                            .temperature = models.temperature};
  std::stop_source stop;
  const AskOptions options{.stop = stop.get_token(), .on_progress = [&](size_t) { streamed = true; }};
  auto answer = std::async(std::launch::async, [&] { return models.chat().Ask(request, options); });
  while (answer.wait_for(kLook) != std::future_status::ready) {
    if (interrupts.signals > 0) stop.request_stop();
  }
  return answer.get();
}

Finding Describe(const Models& models, const std::string& name, const ChatReply& reply, bool streamed) {
  const bool silent = reply.content.empty() && reply.reasoning.empty();
  std::string text = fmt::format("`{}` answers after {:.1f} s: ", name, reply.seconds);
  text += models.key_source.empty() ? "asks for no key" : "takes the key";
  text += streamed ? ", streams"
          : silent ? fmt::format(", no text within {} tokens", kAnswerTokens)
                   : ", does not stream";
  text += reply.usage.known
              ? fmt::format(", counts tokens ({} and {})", reply.usage.prompt_tokens, reply.usage.completion_tokens)
              : ", does not count tokens";
  text += reply.reasoning.empty() ? ", shows no reasoning" : ", shows its reasoning";
  return {.name = "model",
          .state = reply.usage.known && (streamed || silent) ? "ok" : "note",
          .text = text + "; " + PriceText(models.prices, name),
          .hint = reply.usage.known ? "" : "what its replies cost will not be known"};
}

Result<Finding> AskModel(Models& models, const std::string& name, Context& context) {
  bool streamed = false;
  const Answer answer = AskOneWord(models, name, context.host().interrupts, streamed);
  if (answer) return Describe(models, name, *answer, streamed);
  const ChatFailure& failure = answer.error();
  if (failure.kind == ChatFault::kCancelled) return std::unexpected(failure.AsError());
  const bool refused = failure.kind == ChatFault::kKeyRefused && !models.key_source.empty();
  return Finding{
      "model", "missing", fmt::format("`{}` does not answer: {}", name, failure.message),
      refused ? fmt::format("check the API key of {}, and that it is meant for {}", models.key_source, models.base_url)
              : failure.hint};
}

// Other machines see what is sent.
bool IsInTheClear(std::string_view url) {
  constexpr std::array<std::string_view, 3> kOwn = {"http://127.", "http://localhost", "http://[::1]"};
  return url.starts_with("http://") && std::ranges::none_of(kOwn, [&](auto own) { return url.starts_with(own); });
}

Finding Endpoint(const Models& models) {
  if (models.key_source.empty()) return {"endpoint", "ok", models.base_url + ", without an API key", ""};
  const std::string text = fmt::format("{}, with the API key of {}", models.base_url, models.key_source);
  if (!IsInTheClear(models.base_url)) return {"endpoint", "ok", text, ""};
  return {"endpoint", "note", text + ", unencrypted", "use https, unless nobody else listens on the way there"};
}

}  // namespace

Result<std::vector<Finding>> LookAtModels(const ModelFlags& flags, Context& context, bool ask) {
  auto models = OpenModels(flags, context, Patience::kOneTry);
  if (!models) {
    Error error = models.error();
    std::string hint = std::exchange(error.hint, "");
    return std::vector<Finding>{{"model", "missing", error.Text(), std::move(hint)}};
  }
  if (!*models) {
    return std::vector<Finding>{{"model", ask ? "missing" : "note", "none is named: nobody is asked for kernels",
                                 "--model NAME or KOPT_MODEL names one, --base-url URL or KOPT_BASE_URL its server"}};
  }
  std::vector<Finding> findings{Endpoint(**models)};
  const auto progress = context.MakeProgress();
  for (const std::string& name : (*models)->names()) {
    if (!ask) {
      findings.push_back({"model", "ok", fmt::format("`{}`, {}", name, PriceText((*models)->prices, name)), ""});
      continue;
    }
    progress->Line(fmt::format("asking `{}` for one word, {} s at most", name, kOneTrySeconds));
    KOPT_TRY(Finding finding, AskModel(**models, name, context));
    findings.push_back(std::move(finding));
  }
  return findings;
}

std::string ShownValue(const std::string& key, const Setting& setting) {
  const std::string& value = setting.value;
  std::error_code ignored;
  const bool is_url = value.starts_with("http://") || value.starts_with("https://");
  const bool hidden = setting.source != "default" &&
                      ((key == "base_url" && (!is_url || value.find_first_of("@?#") != std::string::npos)) ||
                       (key == "api_key_file" && !value.starts_with("~/") && !std::filesystem::exists(value, ignored)));
  return hidden ? "(not shown: it may hold a secret)" : value;
}

}  // namespace kopt
