// A model behind an OpenAI-compatible HTTP API: api.openai.com, DeepSeek, OpenRouter, vLLM, llama.cpp, Ollama, ...
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "llm_client/chat.h"
#include "llm_client/request_body.h"

namespace kopt {

class HttpConnection;
class Quoter;

// How an endpoint is reached and how patiently. Times are seconds.
struct ChatClientOptions {
  // Questions go to BASE/chat/completions. Trailing slashes are dropped; if the URL has no path then, /v1 is added; a
  // URL that ends in /chat/completions is taken too. Any other path stays: https://openrouter.ai/api/v1.
  std::string base_url;
  std::string key;              // for "Authorization: Bearer KEY", and for nothing else; empty: no such header
  double connect_seconds = 15;  // for name, TCP and TLS together, each try
  double idle_seconds = 300;    // without a byte of a streamed answer; others are silent until they are complete
  double total_seconds = 1800;  // for Ask, with all tries and the waits between them
  int tries = 4;
  size_t most_bytes = size_t{16} << 20;  // of content and reasoning; of the whole answer if it is not streamed
  double most_wait = 60;                 // between two tries, even where Retry-After says more
};

// Asks over HTTP 1.1, streamed or not. Proxies come from the environment (http_proxy, https_proxy, no_proxy);
// certificates are always checked, against the system's; redirects are not followed.
//
// Asked again are: 408, 409, 425, 429, 5xx, no connection, a connection or stream that breaks, an idle timeout. At most
// `tries` times, within `total_seconds`, after exponential back-off with full jitter or what Retry-After says.
// A server that refuses max_tokens, max_completion_tokens, stream_options or temperature by name is asked at once
// without it (with the other name of the limit), and from then on, for that model; this is not counted as a try.
//
// The key is replaced by [key] in everything that Ask returns, if it has at least 8 characters: shorter ones are
// placeholders.
class ChatClient : public ChatModel {
 public:
  // Errors (exit 2): a base URL that is not http or https, or holds a user, query or fragment; a key that cannot stand
  // in a header; times and counts that are not positive.
  static Result<std::unique_ptr<ChatClient>> Create(const ChatClientOptions& options);
  ChatClient(const ChatClient&) = delete;
  ChatClient& operator=(const ChatClient&) = delete;
  ~ChatClient() override;

  std::expected<ChatReply, ChatFailure> Ask(const ChatRequest& request, const AskOptions& options) override;

  // As it is used, without /chat/completions.
  const std::string& base_url() const { return options_.base_url; }

 private:
  struct Question;
  class Borrowed;

  explicit ChatClient(const ChatClientOptions& options);
  std::expected<ChatReply, ChatFailure> AskUntilAnswered(Question& question);
  std::expected<ChatReply, ChatFailure> AskInDialect(Question& question);
  std::expected<ChatReply, ChatFailure> AskOnce(Question& question, const Dialect& dialect);
  double Chance();

  ChatClientOptions options_;
  std::unique_ptr<const Quoter> quoter_;
  std::mutex mutex_;                                   // for what follows
  std::vector<std::unique_ptr<HttpConnection>> idle_;  // connections that stay open between questions
  std::map<std::string, Dialect> dialects_;            // by model
  std::mt19937_64 random_;
};

}  // namespace kopt
