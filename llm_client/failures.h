// From what a server answers to what the user is told. Private to llm_client/.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "llm_client/chat.h"

namespace kopt {

// Shows other people's words without the key.
class Quoter {
 public:
  // A key of fewer than kLeastSecret characters is a placeholder ("none", "EMPTY"), and such words are common: it is
  // left where it stands.
  static constexpr size_t kLeastSecret = 8;
  static constexpr size_t kMostQuoted = 300;

  explicit Quoter(std::string key) : key_(std::move(key)) {}
  // On one line, printable, without the key, at most about kMostQuoted bytes.
  std::string Quote(std::string_view text) const;
  // The text with "[key]" wherever the key stood.
  std::string Scrub(std::string text) const;

 private:
  std::string key_;
};

// Whom and what was asked.
struct Asked {
  std::string base;  // the base URL
  std::string url;
  std::string model;
  bool with_key = false;
  const Quoter* quoter = nullptr;
};

// An answer other than 200.
struct RefusedAnswer {
  int status = 0;
  std::string location;               // of a redirection
  std::optional<double> retry_after;  // seconds
  std::string body;
};

ChatFailure MakeFailure(ChatFault kind, std::string message, std::string hint = "", bool retryable = false);

ChatFailure Cancelled();

ChatFailure StatusFailure(const Asked& asked, const RefusedAnswer& answer);

// For an answer of status 200, or an event in it, that is an object with `error`.
ChatFailure ErrorObjectFailure(const Asked& asked, const nlohmann::json& object);

// For an answer of status 200 that is not what was asked for; `what`: "is no JSON object".
ChatFailure NotCompatible(const Asked& asked, std::string_view what, std::string_view body);

}  // namespace kopt
