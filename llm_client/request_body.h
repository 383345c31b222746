// The JSON of a question, in the dialect that the server takes. Private to llm_client/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "llm_client/chat.h"

namespace kopt {

// Parameters that not every server, and not every model of a server, accepts. Starts with what most do.
struct Dialect {
  bool completion_tokens = false;  // max_completion_tokens in place of max_tokens
  bool stream_options = true;
  bool temperature = true;
};

std::string RequestBody(const ChatRequest& request, const Dialect& dialect);

// The dialect to ask in again, after a refusal of status 400 or 422 whose `body` says that a parameter which was sent
// is unknown or not supported. Nothing if it says something else: a bad value, say.
std::optional<Dialect> Adapted(const ChatRequest& request, const Dialect& sent, std::string_view body);

}  // namespace kopt
