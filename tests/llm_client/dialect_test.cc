// Parameters that a server refuses by name are left out, or sent under their other name, from then on.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/llm_client/client_fixture.h"

namespace kopt {
namespace {

using nlohmann::json;

class DialectTest : public ClientTest {
 protected:
  json Sent(size_t i) const { return json::parse(server_.requests().at(i).body); }
};

TEST_F(DialectTest, MaxTokensGivesWayToMaxCompletionTokens) {
  server_.Say({ErrorAnswer(400,
                           "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                           "'max_completion_tokens' instead."),
               JsonReply("a"), JsonReply("b")});
  const auto client = Client(Options());
  EXPECT_EQ(Reply(client->Ask(Question(), {})).content, "a");
  EXPECT_EQ(Reply(client->Ask(Question(), {})).content, "b");
  ASSERT_EQ(server_.requests().size(), 3U);
  EXPECT_EQ(Sent(0)["max_tokens"], 100);
  EXPECT_FALSE(Sent(0).contains("max_completion_tokens"));
  for (const size_t later : {1, 2}) {
    EXPECT_EQ(Sent(later)["max_completion_tokens"], 100);
    EXPECT_FALSE(Sent(later).contains("max_tokens"));
  }
}

TEST_F(DialectTest, AndTheOtherWayRound) {
  server_.SayBy([](const SentRequest& sent) {
    const json body = json::parse(sent.body);
    if (body.contains("max_completion_tokens")) {
      return Body(422, R"({"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"]}]})");
    }
    if (body["messages"][0]["content"] == "first") {
      return ErrorAnswer(400, "'max_tokens' is not supported, use max_completion_tokens");
    }
    return JsonReply("a");
  });
  const auto client = Client(Options());
  ChatRequest first = Question();
  first.messages[0].content = "first";
  EXPECT_EQ(Failure(client->Ask(first, {})).kind, ChatFault::kRefusedRequest);
  EXPECT_LE(server_.requests().size(), 4U) << "a server that refuses both is not asked for ever";
  EXPECT_EQ(Reply(client->Ask(Question(), {})).content, "a");
}

TEST_F(DialectTest, StreamOptionsAndTemperatureAreLeftOut) {
  server_.SayBy([](const SentRequest& sent) {
    const json body = json::parse(sent.body);
    if (body.contains("stream_options")) return ErrorAnswer(400, "Unrecognized request argument: stream_options");
    if (body.contains("temperature")) {
      return ErrorAnswer(400, "'temperature' does not support 0.2 with this model. Only the default (1) is supported.");
    }
    return StreamReply({"a"});
  });
  const auto client = Client(Options());
  ChatRequest request = Question();
  request.temperature = 0.2;
  EXPECT_EQ(Reply(client->Ask(request, {})).content, "a");
  EXPECT_EQ(server_.requests().size(), 3U);
  EXPECT_EQ(Reply(client->Ask(request, {})).content, "a");
  EXPECT_EQ(server_.requests().size(), 4U);
  EXPECT_EQ(Sent(3)["max_tokens"], 100);
}

TEST_F(DialectTest, AnotherModelIsAskedAsUsual) {
  server_.SayBy([](const SentRequest& sent) {
    const json body = json::parse(sent.body);
    return body["model"] == "m" && body.contains("temperature") ? ErrorAnswer(400, "temperature is not supported")
                                                                : StreamReply({"a"});
  });
  const auto client = Client(Options());
  ChatRequest request = Question();
  request.temperature = 0.2;
  Reply(client->Ask(request, {}));
  request.model = "other";
  Reply(client->Ask(request, {}));
  EXPECT_FALSE(Sent(1).contains("temperature"));
  EXPECT_EQ(Sent(2)["temperature"], 0.2);
}

TEST_F(DialectTest, ABadValueIsNoReasonToLeaveItOut) {
  server_.Say({ErrorAnswer(400, "max_tokens is too large: 100. This model writes at most 10 completion tokens.")});
  EXPECT_EQ(
      Failure(Ask()).message,
      "the server refuses the request (400): max_tokens is too large: 100. This model writes at most 10 completion "
      "tokens.");
  server_.Say({ErrorAnswer(400, "temperature must lie between 0 and 1")});
  ChatRequest request = Question();
  request.temperature = 2;
  EXPECT_EQ(Failure(Ask(request)).kind, ChatFault::kRefusedRequest);
  EXPECT_EQ(server_.requests().size(), 2U);
}

TEST_F(DialectTest, LearningIsNoTry) {
  ChatClientOptions options = Options();
  options.tries = 1;
  server_.Say({ErrorAnswer(400, "unknown field stream_options"), StreamReply({"a"})});
  EXPECT_EQ(Reply(Client(options)->Ask(Question(), {})).content, "a");
}

}  // namespace
}  // namespace kopt
