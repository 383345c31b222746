// A model that answers as a test says.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "llm_client/chat.h"

namespace kopt {

class ScriptedModel : public ChatModel {
 public:
  using Answer = std::expected<ChatReply, ChatFailure>;
  // Called with the number of the question, from 1 on; one call at a time.
  std::function<Answer(const ChatRequest&, int)> answer;

  Answer Ask(const ChatRequest& request, const AskOptions& options) override {
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      if (!blocked_ || requests_.size() <= answered_first_) return answer(request, static_cast<int>(requests_.size()));
    }
    // Nobody answers until the question is taken back.
    options.on_progress(320);
    ++waiting_;
    std::mutex wait;
    std::condition_variable_any never;
    std::unique_lock lock(wait);
    never.wait(lock, options.stop, [] { return false; });
    return std::unexpected(ChatFailure{.kind = ChatFault::kCancelled, .message = "cancelled"});
  }
  // From the question after the first `count` on there is no answer.
  void BlockAfter(size_t count) {
    blocked_ = true;
    answered_first_ = count;
  }
  // How many questions were asked that nobody answers.
  int waiting() const { return waiting_; }
  std::vector<ChatRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ChatRequest> requests_;
  std::atomic<int> waiting_ = 0;
  bool blocked_ = false;
  size_t answered_first_ = 0;
};

// A reply with this text; 100 and 50 tokens.
inline ChatReply ReplyWith(std::string text) {
  return {.content = std::move(text),
          .finish_reason = "stop",
          .usage = {.prompt_tokens = 100, .completion_tokens = 50, .known = true},
          .seconds = 1,
          .model = "m"};
}

inline ChatFailure FailureOf(ChatFault kind) {
  return {.kind = kind, .message = "no luck: " + std::string(Name(kind))};
}

}  // namespace kopt
