#include "llm_client/request_body.h"

#include <algorithm>

#include "llm_client/json.h"

namespace kopt {
namespace {

using nlohmann::json;

// How servers say that they do not want a parameter, in lower case.
constexpr std::string_view kRefusals[] = {
    "unsupported", "not supported", "does not support", "unrecognized",   "unknown",           "unexpected",
    "extra",       "not permitted", "not allowed",      "not recognized", "no such parameter",
};

bool Holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

std::string RequestBody(const ChatRequest& request, const Dialect& dialect) {
  json body = {{"model", request.model}, {"messages", json::array()}, {"stream", request.stream}};
  for (const ChatMessage& message : request.messages) {
    body["messages"].push_back({{"role", message.role}, {"content", message.content}});
  }
  if (request.max_tokens > 0) {
    body[dialect.completion_tokens ? "max_completion_tokens" : "max_tokens"] = request.max_tokens;
  }
  if (request.temperature && dialect.temperature) body["temperature"] = *request.temperature;
  if (request.stream && dialect.stream_options) body["stream_options"] = {{"include_usage", true}};
  return DumpJson(body);
}

std::optional<Dialect> Adapted(const ChatRequest& request, const Dialect& sent, std::string_view body) {
  std::string text(body);
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto holds = [&](std::string_view words) { return Holds(text, words); };
  if (std::ranges::none_of(kRefusals, holds)) return std::nullopt;

  Dialect adapted = sent;
  const bool limited = request.max_tokens > 0;
  // A refusal of either name mentions the new one: as what to send, or as what is unknown.
  if (limited && Holds(text, "max_completion_tokens")) {
    adapted.completion_tokens = !sent.completion_tokens;
  } else if (request.stream && sent.stream_options && Holds(text, "stream_options")) {
    adapted.stream_options = false;
  } else if (request.temperature && sent.temperature && Holds(text, "temperature")) {
    adapted.temperature = false;
  } else {
    return std::nullopt;
  }
  return adapted;
}

}  // namespace kopt
