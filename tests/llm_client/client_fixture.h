// A client and the server that it talks to.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "llm_client/chat_client.h"
#include "tests/llm_client/test_server.h"

namespace kopt {

inline const std::string kKey = "sk-proj-0123456789/abcdef";

class ClientTest : public testing::Test {
 protected:
  // Patient enough for a slow machine, without waits between tries.
  ChatClientOptions Options() const {
    return {.base_url = server_.url(),
            .key = kKey,
            .connect_seconds = 10,
            .idle_seconds = 10,
            .total_seconds = 20,
            .tries = 3,
            .most_wait = 0.001};
  }
  static std::unique_ptr<ChatClient> Client(const ChatClientOptions& options) {
    auto client = ChatClient::Create(options);
    EXPECT_TRUE(client) << client.error().Text();
    return client ? *std::move(client) : nullptr;
  }
  static ChatRequest Question(bool stream = true) {
    return {.model = "m", .messages = {{"user", "faster, please"}}, .max_tokens = 100, .stream = stream};
  }
  using Answer = std::expected<ChatReply, ChatFailure>;
  Answer Ask(const ChatRequest& request = Question(), const AskOptions& ask = {}) {
    return Client(Options())->Ask(request, ask);
  }
  static ChatReply Reply(const Answer& answer) {
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *answer : ChatReply();
  }
  static ChatFailure Failure(const Answer& answer) {
    EXPECT_FALSE(answer) << answer->content;
    return answer ? ChatFailure() : answer.error();
  }

  TestServer server_;
};

}  // namespace kopt
