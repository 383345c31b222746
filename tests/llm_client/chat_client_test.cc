// What is sent, what comes back, and many at once.
#include "llm_client/chat_client.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/llm_client/client_fixture.h"

namespace kopt {
namespace {

using nlohmann::json;

class ChatClientTest : public ClientTest {};

TEST_F(ChatClientTest, AStreamedReply) {
  server_.Say({StreamReply({"hel", "lo"})});
  const ChatReply reply = Reply(Ask());
  EXPECT_EQ(reply.content, "hello");
  EXPECT_EQ(reply.finish_reason, "stop");
  EXPECT_EQ(reply.model, "served-model");
  EXPECT_TRUE(reply.usage.known);
  EXPECT_EQ(reply.usage.prompt_tokens, 11);
  EXPECT_EQ(reply.usage.completion_tokens, 7);
  EXPECT_GT(reply.seconds, 0);
}

TEST_F(ChatClientTest, AReplyInOnePiece) {
  server_.Say({JsonReply("hello")});
  const ChatReply reply = Reply(Ask(Question(false)));
  EXPECT_EQ(reply.content, "hello");
  EXPECT_EQ(reply.usage.completion_tokens, 7);
}

TEST_F(ChatClientTest, AServerThatDoesNotStreamIsTakenAsItIs) {
  server_.Say({JsonReply("hello")});
  EXPECT_EQ(Reply(Ask(Question(true))).content, "hello");
}

TEST_F(ChatClientTest, AStreamInChunksOfOneByte) {
  std::vector<std::string> bytes;
  for (const std::string& piece : StreamReply({"h\xc3\xa9l", "lo \"x\"\n"}).pieces) {
    for (const char c : piece) bytes.emplace_back(1, c);
  }
  server_.Say({Stream(bytes)});
  EXPECT_EQ(Reply(Ask()).content, "h\xc3\xa9llo \"x\"\n");
}

TEST_F(ChatClientTest, WhatIsSent) {
  ChatRequest request = Question();
  request.messages.insert(request.messages.begin(), {"system", "be \"brief\"\n"});
  request.temperature = 0.5;
  Reply(Ask(request));
  const SentRequest sent = server_.requests().at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.path, "/v1/chat/completions");
  EXPECT_EQ(sent.Header("Authorization"), "Bearer " + kKey);
  EXPECT_EQ(sent.Header("Content-Type"), "application/json");
  EXPECT_EQ(sent.Header("Expect"), "");
  EXPECT_EQ(json::parse(sent.body), json::parse(R"({"model": "m", "max_tokens": 100, "temperature": 0.5, "stream": true,
      "stream_options": {"include_usage": true}, "messages": [
        {"role": "system", "content": "be \"brief\"\n"}, {"role": "user", "content": "faster, please"}]})"));
}

TEST_F(ChatClientTest, WhatIsNotSaidIsNotSent) {
  ChatRequest request = Question(false);
  request.max_tokens = 0;
  ChatClientOptions options = Options();
  options.key = "";
  Reply(Client(options)->Ask(request, {}));
  const SentRequest sent = server_.requests().at(0);
  EXPECT_EQ(sent.headers.count("Authorization"), 0U);
  EXPECT_EQ(json::parse(sent.body), json::parse(R"({"model": "m", "stream": false, "messages": [
        {"role": "user", "content": "faster, please"}]})"));
}

TEST_F(ChatClientTest, BytesThatAreNoTextDoNotHarm) {
  ChatRequest request = Question();
  request.messages[0].content = "a\xff\xc3 \xf0\x9f\x9a\x80";
  server_.Say({StreamReply({"a\xff", std::string("\x00\x7f", 2)})});
  EXPECT_EQ(Reply(Ask(request)).content, std::string("a\xef\xbf\xbd\x00\x7f", 6));
  EXPECT_EQ(json::parse(server_.requests().at(0).body)["messages"][0]["content"],
            "a\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x9a\x80");
}

TEST_F(ChatClientTest, BaseUrls) {
  const std::string host = "http://h:8000";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {host, host + "/v1"},
      {host + "/", host + "/v1"},
      {host + "//", host + "/v1"},
      {host + "/v1", host + "/v1"},
      {host + "/v1/", host + "/v1"},
      {host + "/v1/chat/completions", host + "/v1"},
      {host + "/v1/chat/completions/", host + "/v1"},
      {"https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1"},
      {"https://api.deepseek.com", "https://api.deepseek.com/v1"},
      {"http://[::1]:8000", "http://[::1]:8000/v1"},
  };
  for (const auto& [given, base] : cases) EXPECT_EQ(Client({.base_url = given})->base_url(), base) << given;
}

TEST_F(ChatClientTest, BaseUrlsThatAreNone) {
  const auto message = [](const std::string& base) {
    const auto client = ChatClient::Create({.base_url = base});
    return client ? "taken" : client.error().Text();
  };
  for (const char* base : {"", "localhost:8000", "api.openai.com/v1", "ftp://h/v1", "file:///etc/passwd", "http://"}) {
    EXPECT_EQ(message(base), "the base URL is no URL of http or https; write it like https://api.openai.com/v1")
        << base;
  }
  for (const char* base : {"http://user:secret@h/v1", "http://h/v1?key=secret", "http://h/v1#secret"}) {
    EXPECT_EQ(
        message(base),
        "the base URL holds a user, a query or a fragment; leave it out; the API key belongs into OPENAI_API_KEY");
  }
}

TEST_F(ChatClientTest, KeysThatCannotStandInAHeader) {
  for (const char* key : {"sk-123\n", "sk 123", "sk-123\r\nX-Evil: 1", "sk-\xc3\xa9"}) {
    const auto client = ChatClient::Create({.base_url = "http://h", .key = key});
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().exit, Exit::kUsage);
    EXPECT_EQ(
        client.error().Text(),
        "the API key holds a blank, a line end or a character beyond ASCII; copy it again; nothing else may stand "
        "beside it");
  }
}

TEST_F(ChatClientTest, TimesMustBePositive) {
  EXPECT_FALSE(ChatClient::Create({.base_url = "http://h", .idle_seconds = 0}));
  EXPECT_FALSE(ChatClient::Create({.base_url = "http://h", .total_seconds = -1}));
  EXPECT_FALSE(ChatClient::Create({.base_url = "http://h", .tries = 0}));
}

TEST_F(ChatClientTest, AConnectionIsUsedAgain) {
  const auto client = Client(Options());
  for (int i = 0; i < 3; ++i) Reply(client->Ask(Question(), {}));
  std::set<int> ports;
  for (const SentRequest& sent : server_.requests()) ports.insert(sent.port);
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_EQ(ports.size(), 1U);
}

TEST_F(ChatClientTest, ManyAtOnce) {
  constexpr int kThreads = 4;  // the server's queue of new connections is short
  // No answer before all have asked, so that they are really there at once; each gets its own.
  server_.SayBy([&](const SentRequest& sent) {
    EXPECT_TRUE(server_.AwaitRequests(kThreads));
    return StreamReply({"for ", json::parse(sent.body)["messages"][0]["content"].get<std::string>()});
  });
  const auto client = Client(Options());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 3; ++round) {
          ChatRequest request = Question();
          request.messages[0].content = std::to_string(100 * i + round);
          EXPECT_EQ(Reply(client->Ask(request, {})).content, "for " + request.messages[0].content);
        }
      });
    }
  }
  EXPECT_EQ(server_.requests().size(), 3U * kThreads);
  EXPECT_EQ(server_.most_in_flight(), kThreads);
}

TEST_F(ChatClientTest, ProgressIsToldWhileTheReplyGrows) {
  ScriptedAnswer answer = StreamReply({"abc", "de"});
  answer.pauses = {0, 0.1};
  server_.Say({answer});
  std::vector<size_t> told;
  Reply(Ask(Question(), {.on_progress = [&](size_t bytes) { told.push_back(bytes); }}));
  // On a slow machine both pieces may arrive at once.
  EXPECT_TRUE(told == std::vector<size_t>({3, 5}) || told == std::vector<size_t>({5}));
}

TEST_F(ChatClientTest, AProxyOfTheEnvironmentIsUsed) {
  setenv("http_proxy", server_.url().c_str(), 1);
  ChatClientOptions options = Options();
  options.base_url = "http://model.invalid";
  EXPECT_EQ(Reply(Client(options)->Ask(Question(), {})).content, "hello");
  setenv("http_proxy", "", 1);
  EXPECT_EQ(server_.requests().at(0).path, "http://model.invalid/v1/chat/completions");
}

TEST_F(ChatClientTest, AServerThatKeepsTheConnectionOpenAfterDoneHasAnswered) {
  ScriptedAnswer answer = StreamReply({"hello"});
  answer.hang = true;
  server_.Say({answer});
  const double begin = SystemClock().Now();
  EXPECT_EQ(Reply(Ask()).content, "hello");
  EXPECT_LT(SystemClock().Now() - begin, 8) << "less than the idle timeout";
}

TEST_F(ChatClientTest, AConnectionThatBreaksAfterTheReplyDoesNotMatter) {
  ScriptedAnswer answer = StreamReply({"hello"});
  answer.pieces.pop_back();  // [DONE]
  answer.cut = true;
  server_.Say({answer});
  EXPECT_EQ(Reply(Ask()).content, "hello");
  EXPECT_EQ(server_.requests().size(), 1U);
}

}  // namespace
}  // namespace kopt
