#include "llm_client/failures.h"

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "llm_client/json.h"

namespace kopt {
namespace {

using nlohmann::json;

constexpr std::string_view kBaseHint = "check the base URL; most end in /v1";
constexpr std::string_view kServerHint = "the fault is the server's; try again later";

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsPage(std::string_view body) {
  const auto first = std::ranges::find_if_not(body, IsBlank);
  return first != body.end() && *first == '<';
}

// Bodies differ: {"error": {"message": ...}}, {"error": "..."}, {"message": ...}, {"detail": [...]}, and these nested.
std::string WordsIn(const json& body) {
  if (body.is_string()) return body.get<std::string>();
  if (!body.is_object()) return body.is_array() ? DumpJson(body) : "";
  for (const char* key : {"error", "message", "detail"}) {
    const auto found = body.find(key);
    const std::string words = found == body.end() ? "" : WordsIn(*found);
    if (!words.empty()) return words;
  }
  return "";
}

// What the server says in the body of a refusal, in full.
std::string ServerWords(std::string_view body) {
  if (IsPage(body)) {
    const size_t title = body.find("<title>");
    const size_t end = body.find("</title>");
    if (title == std::string::npos || end == std::string::npos || end < title) return "a web page";
    return std::string(body.substr(title + 7, end - title - 7));
  }
  const std::string words = WordsIn(ParseJson(body));
  return words.empty() ? std::string(body) : words;
}

std::string With(std::string message, const std::string& words) {
  return words.empty() ? message : message + ": " + words;
}

ChatFailure KeyRefused(const Asked& asked, int status, const std::string& words) {
  if (!asked.with_key) {
    return MakeFailure(ChatFault::kKeyRefused, With(fmt::format("the server wants an API key ({})", status), words),
                       "set OPENAI_API_KEY");
  }
  return MakeFailure(ChatFault::kKeyRefused, With(fmt::format("the server refuses the API key ({})", status), words),
                     fmt::format("check OPENAI_API_KEY, and that it is meant for {}", asked.base));
}

ChatFailure NotFound(const Asked& asked, const std::string& words) {
  if (words.find("model") != std::string::npos || words.find(asked.model) != std::string::npos) {
    return MakeFailure(ChatFault::kModelUnknown,
                       With(fmt::format("the server does not know the model `{}` (404)", asked.model), words),
                       fmt::format("{}/models lists what it serves", asked.base));
  }
  return MakeFailure(ChatFault::kNotCompatible, With(fmt::format("nothing is at {} (404)", asked.url), words),
                     std::string(kBaseHint));
}

ChatFailure RateLimited(const std::string& words, bool out_of_credit) {
  ChatFailure failure =
      MakeFailure(ChatFault::kRateLimited, With("the server wants fewer requests (429)", words), "", !out_of_credit);
  failure.hint = out_of_credit ? "no credit is left on the account" : "wait, or ask with fewer requests at once";
  return failure;
}

ChatFailure Redirected(const Asked& asked, int status, const std::string& location) {
  return MakeFailure(ChatFault::kNotCompatible,
                     fmt::format("{} redirects ({}) to {}", asked.url, status, location.empty() ? "nowhere" : location),
                     "redirects are not followed, since they would carry the API key along; if you trust that place, "
                     "make it the base URL");
}

ChatFailure Classify(const Asked& asked, int status, const std::string& location, std::string_view body) {
  const std::string words = asked.quoter->Quote(ServerWords(body));
  if (status >= 300 && status < 400) return Redirected(asked, status, asked.quoter->Quote(location));
  switch (status) {
    case 401:
    case 403:
      return KeyRefused(asked, status, words);
    case 404:
      return NotFound(asked, words);
    case 408:
    case 409:
    case 425:
      break;
    case 429:
      return RateLimited(words, body.find("insufficient_quota") != std::string_view::npos);
    default:
      if (status >= 400 && status < 500) {
        return MakeFailure(ChatFault::kRefusedRequest,
                           With(fmt::format("the server refuses the request ({})", status), words));
      }
      if (status < 500) return NotCompatible(asked, fmt::format("has the status {}", status), body);
  }
  return MakeFailure(ChatFault::kServerError, With(fmt::format("the server failed ({})", status), words),
                     std::string(kServerHint), true);
}

}  // namespace

std::string Quoter::Scrub(std::string text) const {
  if (key_.size() < kLeastSecret) return text;
  for (size_t at = text.find(key_); at != std::string::npos; at = text.find(key_, at)) {
    text.replace(at, key_.size(), "[key]");
  }
  return text;
}

std::string Quoter::Quote(std::string_view text) const {
  std::string line;
  for (const char c : text) {
    if (!IsBlank(c)) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  std::string shown = Scrub(Printable(line));
  if (shown.size() <= kMostQuoted) return shown;
  size_t end = kMostQuoted;
  while ((static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80) --end;  // not within a character
  return shown.substr(0, end) + "...";
}

ChatFailure MakeFailure(ChatFault kind, std::string message, std::string hint, bool retryable) {
  return {.kind = kind, .message = std::move(message), .hint = std::move(hint), .retryable = retryable};
}

ChatFailure Cancelled() { return MakeFailure(ChatFault::kCancelled, "the question to the model was cancelled"); }

ChatFailure StatusFailure(const Asked& asked, const RefusedAnswer& answer) {
  ChatFailure failure = Classify(asked, answer.status, answer.location, answer.body);
  failure.status = answer.status;
  failure.retry_after = answer.retry_after;
  return failure;
}

ChatFailure ErrorObjectFailure(const Asked& asked, const json& object) {
  const json& error = object.at("error");
  const auto code = error.is_object() ? error.find("code") : error.end();
  const bool numbered = code != error.end() && code->is_number_integer();
  const int64_t status = numbered ? code->get<int64_t>() : 0;
  if (status >= 400 && status < 600) {
    return StatusFailure(asked, {.status = static_cast<int>(status), .body = DumpJson(object)});
  }
  return MakeFailure(ChatFault::kServerError,
                     With("the server reports an error in its answer", asked.quoter->Quote(WordsIn(object))),
                     std::string(kServerHint), true);
}

ChatFailure NotCompatible(const Asked& asked, std::string_view what, std::string_view body) {
  if (IsPage(body)) {
    return MakeFailure(ChatFault::kNotCompatible, fmt::format("{} answers with a web page", asked.url),
                       std::string(kBaseHint));
  }
  return MakeFailure(ChatFault::kNotCompatible,
                     With(fmt::format("the answer of {} {}", asked.url, what), asked.quoter->Quote(body)),
                     std::string(kBaseHint));
}

}  // namespace kopt
