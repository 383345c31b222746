// What kopt asks a language model, what comes back, and every way in which that fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace kopt {

struct ChatMessage {
  std::string role;  // system, user or assistant
  std::string content;
};

struct ChatRequest {
  std::string model;
  std::vector<ChatMessage> messages;
  int max_tokens = 0;  // of the reply, reasoning included; 0: the server's own limit
  std::optional<double> temperature;
  bool stream = true;  // the reply arrives as it is written
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  bool known = false;  // false: the server did not count
};

struct ChatReply {
  std::string content;
  std::string reasoning;      // what the model thought first; empty where the server does not show it
  std::string finish_reason;  // stop, length, ...; empty: the server gave none
  Usage usage;
  double seconds = 0;  // from the question to the complete reply, waits and repetitions included
  std::string model;   // as the server names it
};

enum class ChatFault {
  kKeyRefused,      // 401, 403
  kModelUnknown,    // 404 that speaks of the model
  kCannotConnect,   // name, port, TLS or proxy
  kTimedOut,        // the message says which of the timeouts
  kRateLimited,     // 429
  kServerError,     // 408, 409, 425, 5xx
  kNotCompatible,   // what answers is not an OpenAI-compatible API
  kCutStream,       // the answer ended too early
  kEmptyChoices,    // an answer without a reply in it
  kRefusedRequest,  // other 4xx
  kTooLarge,
  kCancelled,
  kRecording,  // of ReplayModel: the recording is over, or a line of it is broken
};

// "key_refused" for kKeyRefused, and so on.
std::string_view Name(ChatFault fault);
std::optional<ChatFault> ChatFaultOf(std::string_view name);

struct ChatFailure {
  ChatFault kind = ChatFault::kServerError;
  int status = 0;                     // of HTTP; 0: there was none
  std::string message;                // what went wrong, in one line
  std::string hint;                   // what to do; empty if there is nothing to add
  bool retryable = false;             // the same request may succeed later
  std::optional<double> retry_after;  // seconds that the server wants to be left alone

  // Exit 130 for kCancelled, else 3.
  Error AsError() const;
};

struct AskOptions {
  std::stop_token stop;  // ends Ask with kCancelled; may be asked to stop from any thread
  // Bytes of content and reasoning so far, whenever there are more; starts again from 0 if the question is repeated.
  // Called on the thread that called Ask.
  std::function<void(size_t bytes)> on_progress;
};

// Somebody who answers. Ask may be called by several threads at once.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual std::expected<ChatReply, ChatFailure> Ask(const ChatRequest& request, const AskOptions& options) = 0;
};

}  // namespace kopt
