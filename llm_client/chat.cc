#include "llm_client/chat.h"

#include <iterator>

namespace kopt {
namespace {

// In the order of ChatFault.
constexpr std::string_view kNames[] = {
    "key_refused", "model_unknown", "cannot_connect",  "timed_out", "rate_limited", "server_error", "not_compatible",
    "cut_stream",  "empty_choices", "refused_request", "too_large", "cancelled",    "recording",
};

}  // namespace

std::string_view Name(ChatFault fault) { return kNames[static_cast<size_t>(fault)]; }

std::optional<ChatFault> ChatFaultOf(std::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<ChatFault>(i);
  }
  return std::nullopt;
}

Error ChatFailure::AsError() const {
  return {.exit = kind == ChatFault::kCancelled ? Exit::kInterrupted : Exit::kEnvironment,
          .message = message,
          .hint = hint};
}

}  // namespace kopt
