// Each way to fail, with what the user is told; and the key, which is never in it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "tests/llm_client/client_fixture.h"
#include "tests/llm_client/silent_port.h"

namespace kopt {
namespace {

class ChatFailureTest : public ClientTest {
 protected:
  // One try is enough to see the message.
  ChatFailure Fails(ChatClientOptions options, const ChatRequest& request = Question()) {
    options.tries = 1;
    const ChatFailure failure = Failure(Client(options)->Ask(request, {}));
    EXPECT_EQ((failure.message + failure.hint).find(options.key), std::string::npos);
    return failure;
  }
  ChatFailure Fails(const ScriptedAnswer& answer) {
    server_.Say({answer});
    return Fails(Options());
  }
  std::string base() const { return server_.url() + "/v1"; }
};

TEST_F(ChatFailureTest, KeyRefused) {
  for (const int status : {401, 403}) {
    const ChatFailure failure = Fails(ErrorAnswer(status, "Incorrect API key provided: " + kKey + "!"));
    EXPECT_EQ(failure.kind, ChatFault::kKeyRefused);
    EXPECT_EQ(failure.status, status);
    EXPECT_EQ(failure.message,
              fmt::format("the server refuses the API key ({}): Incorrect API key provided: [key]!", status));
    EXPECT_EQ(failure.hint, "check OPENAI_API_KEY, and that it is meant for " + base());
    EXPECT_FALSE(failure.retryable);
    EXPECT_EQ(failure.AsError().exit, Exit::kEnvironment);
  }
}

TEST_F(ChatFailureTest, KeyMissing) {
  server_.Say({Body(401, "")});
  ChatClientOptions options = Options();
  options.key = "";
  const ChatFailure failure = Failure(Client(options)->Ask(Question(), {}));
  EXPECT_EQ(failure.message, "the server wants an API key (401)");
  EXPECT_EQ(failure.hint, "set OPENAI_API_KEY");
}

TEST_F(ChatFailureTest, ModelUnknown) {
  const ChatFailure failure = Fails(ErrorAnswer(404, "The model `m` does not exist."));
  EXPECT_EQ(failure.kind, ChatFault::kModelUnknown);
  EXPECT_EQ(failure.message, "the server does not know the model `m` (404): The model `m` does not exist.");
  EXPECT_EQ(failure.hint, base() + "/models lists what it serves");
}

TEST_F(ChatFailureTest, NothingAtThatPath) {
  ChatFailure failure = Fails(Body(404, R"({"detail":"Not Found"})"));
  EXPECT_EQ(failure.kind, ChatFault::kNotCompatible);
  EXPECT_EQ(failure.message, "nothing is at " + base() + "/chat/completions (404): Not Found");
  failure = Fails(Body(404, "<html><head><title>404\nNot Found</title></head>", "text/html"));
  EXPECT_EQ(failure.message, "nothing is at " + base() + "/chat/completions (404): 404 Not Found");
  EXPECT_EQ(failure.hint, "check the base URL; most end in /v1");
}

TEST_F(ChatFailureTest, NoServerAtThePort) {
  SilentPort port;
  port.Close();
  ChatClientOptions options = Options();
  options.base_url = fmt::format("http://127.0.0.1:{}", port.port());
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kCannotConnect);
  EXPECT_TRUE(failure.message.starts_with("cannot connect to " + options.base_url + "/v1: nothing answers there ("))
      << failure.message;
  EXPECT_EQ(failure.hint, "check the base URL, and that the server runs and can be reached from here");
  EXPECT_TRUE(failure.retryable);
}

TEST_F(ChatFailureTest, NoSuchName) {
  ChatClientOptions options = Options();
  options.base_url = "http://nobody.invalid/v1";
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kCannotConnect);
  EXPECT_TRUE(failure.message.starts_with("cannot connect to http://nobody.invalid/v1: its name is not known ("))
      << failure.message;
}

TEST_F(ChatFailureTest, TlsWhereThereIsNone) {
  ChatClientOptions options = Options();
  options.base_url = fmt::format("https://127.0.0.1:{}", server_.port());
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kCannotConnect);
  EXPECT_TRUE(failure.message.starts_with("cannot connect to " + options.base_url + "/v1: TLS failed ("))
      << failure.message;
  EXPECT_EQ(
      failure.hint,
      "check that the server speaks https, that the system's certificates (package ca-certificates) vouch for it, "
      "and that the clock is right");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ChatFailureTest, NoProxyAtThePort) {
  SilentPort port;
  port.Close();
  setenv("https_proxy", fmt::format("http://127.0.0.1:{}", port.port()).c_str(), 1);
  ChatClientOptions options = Options();
  options.base_url = "https://model.invalid/v1";
  const ChatFailure failure = Fails(options);
  setenv("https_proxy", "", 1);
  EXPECT_EQ(failure.kind, ChatFault::kCannotConnect);
}

TEST_F(ChatFailureTest, ConnectTimeout) {
  const SilentPort port;
  ChatClientOptions options = Options();
  options.base_url = fmt::format("https://127.0.0.1:{}", port.port());
  options.connect_seconds = 0.1;
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kTimedOut);
  EXPECT_EQ(failure.message, "no connection to " + options.base_url + "/v1 within 0.1 s (connect timeout)");
  EXPECT_EQ(failure.hint, "check the base URL, and that the server runs and can be reached from here");
  EXPECT_TRUE(failure.retryable);
}

TEST_F(ChatFailureTest, IdleTimeout) {
  ScriptedAnswer answer = StreamReply({"abc"});
  answer.pieces.resize(1);
  answer.hang = true;
  server_.Say({answer});
  ChatClientOptions options = Options();
  options.idle_seconds = 0.2;
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kTimedOut);
  EXPECT_EQ(failure.message, "no byte from " + base() + " for 0.2 s (idle timeout)");
  EXPECT_EQ(failure.hint, "the server may be overloaded; ask with fewer requests at once, or allow more time");
  EXPECT_TRUE(failure.retryable);
}

TEST_F(ChatFailureTest, AnAnswerThatIsNotStreamedIsNotIdle) {
  ScriptedAnswer answer = JsonReply("hello");
  answer.seconds_before = 0.3;
  server_.Say({answer});
  ChatClientOptions options = Options();
  options.idle_seconds = 0.1;
  EXPECT_EQ(Reply(Client(options)->Ask(Question(false), {})).content, "hello");
}

TEST_F(ChatFailureTest, TotalTimeout) {
  ScriptedAnswer answer = Stream({});
  answer.pieces.assign(2000, Event("abc"));
  answer.seconds_between = 0.02;
  server_.Say({answer});
  ChatClientOptions options = Options();
  options.total_seconds = 0.3;
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kTimedOut);
  EXPECT_TRUE(failure.message.starts_with("no complete answer from " + base() + " within 0.3 s (total timeout); "))
      << failure.message;
  EXPECT_EQ(failure.hint, "ask for a shorter reply, or allow more time");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ChatFailureTest, RateLimited) {
  ScriptedAnswer answer = ErrorAnswer(429, "Too many requests");
  answer.headers["Retry-After"] = "7";
  ChatFailure failure = Fails(answer);
  EXPECT_EQ(failure.kind, ChatFault::kRateLimited);
  EXPECT_EQ(failure.message, "the server wants fewer requests (429): Too many requests");
  EXPECT_EQ(failure.hint, "wait, or ask with fewer requests at once");
  EXPECT_EQ(failure.retry_after, 7);
  EXPECT_TRUE(failure.retryable);

  failure = Fails(Body(429, R"({"error":{"message":"You exceeded your quota","code":"insufficient_quota"}})"));
  EXPECT_EQ(failure.hint, "no credit is left on the account");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ChatFailureTest, ServerErrors) {
  for (const int status : {408, 409, 425, 500, 502, 503, 529}) {
    const ChatFailure failure = Fails(Body(status, "<html><title>overloaded</title>", "text/html"));
    EXPECT_EQ(failure.kind, ChatFault::kServerError);
    EXPECT_EQ(failure.message, fmt::format("the server failed ({}): overloaded", status));
    EXPECT_EQ(failure.hint, "the fault is the server's; try again later");
    EXPECT_TRUE(failure.retryable);
  }
}

TEST_F(ChatFailureTest, RefusedRequest) {
  const ChatFailure failure =
      Fails(ErrorAnswer(400, "context of 9000 tokens\nis too long: \x1b[31m" + std::string(400, 'x') + kKey));
  EXPECT_EQ(failure.kind, ChatFault::kRefusedRequest);
  const std::string shown = "context of 9000 tokens is too long: \\x1b[31m";
  EXPECT_EQ(failure.message,
            "the server refuses the request (400): " + shown + std::string(300 - shown.size(), 'x') + "...");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ChatFailureTest, AKeyThatTheCutWouldPartIsGoneToo) {
  for (size_t before = 280; before < 310; ++before) {
    const ChatFailure failure = Fails(Body(418, std::string(before, 'x') + kKey, "text/plain"));
    EXPECT_EQ(failure.message.find(kKey.substr(0, 2)), std::string::npos) << failure.message;
  }
}

TEST_F(ChatFailureTest, TheKeyIsFoundBehindJsonEscapes) {
  EXPECT_EQ(Fails(Body(400, R"({"error":"bad \u0073k-proj-0123456789\/abcdef"})")).message,
            "the server refuses the request (400): bad [key]");
}

TEST_F(ChatFailureTest, AWebPage) {
  const ChatFailure failure = Fails(Body(200, "<!doctype html><html></html>", "text/html"));
  EXPECT_EQ(failure.kind, ChatFault::kNotCompatible);
  EXPECT_EQ(failure.message, base() + "/chat/completions answers with a web page");
  EXPECT_EQ(failure.hint, "check the base URL; most end in /v1");
}

TEST_F(ChatFailureTest, ARedirectionSaysWhereAndIsNotFollowed) {
  TestServer other;
  ScriptedAnswer answer = Body(307, "");
  answer.headers["Location"] = other.url() + "/" + kKey;
  const ChatFailure failure = Fails(answer);
  EXPECT_EQ(failure.kind, ChatFault::kNotCompatible);
  EXPECT_EQ(failure.status, 307);
  EXPECT_EQ(failure.message, base() + "/chat/completions redirects (307) to " + other.url() + "/[key]");
  EXPECT_EQ(
      failure.hint,
      "redirects are not followed, since they would carry the API key along; if you trust that place, make it the "
      "base URL");
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(ChatFailureTest, AnswersThatAreNotHttp) {
  SilentPort port;
  ChatClientOptions options = Options();
  options.base_url = fmt::format("http://127.0.0.1:{}", port.port());
  const std::jthread thread([&] { port.HangUpOn("+OK POP3 ready\r\n"); });
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kNotCompatible);
  EXPECT_EQ(failure.message, "the answer of " + options.base_url + "/v1/chat/completions is not HTTP");
}

TEST_F(ChatFailureTest, AConnectionThatBreaks) {
  SilentPort port;
  ChatClientOptions options = Options();
  options.base_url = fmt::format("http://127.0.0.1:{}", port.port());
  const std::jthread thread([&] { port.HangUpOn(""); });
  ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kCutStream);
  EXPECT_TRUE(
      failure.message.starts_with("the connection to " + options.base_url + "/v1 broke after 0 bytes of the reply ("))
      << failure.message;
  EXPECT_TRUE(failure.retryable);

  ScriptedAnswer answer = Stream({Event("abc")});
  answer.cut = true;
  failure = Fails(answer);
  EXPECT_EQ(failure.kind, ChatFault::kCutStream);
  EXPECT_TRUE(failure.message.starts_with("the connection to " + base() + " broke after 3 bytes of the reply ("))
      << failure.message;
}

TEST_F(ChatFailureTest, AStreamThatEndsTooEarly) {
  const ChatFailure failure = Fails(Stream({Event("abc")}));
  EXPECT_EQ(failure.kind, ChatFault::kCutStream);
  EXPECT_EQ(failure.message, "the reply broke off after 3 bytes, with neither finish_reason nor [DONE]");
}

TEST_F(ChatFailureTest, EmptyChoices) {
  EXPECT_EQ(Fails(Body(200, R"({"choices":[]})")).kind, ChatFault::kEmptyChoices);
}

TEST_F(ChatFailureTest, TooLargeWithoutWaitingForTheEnd) {
  ScriptedAnswer answer = Body(200, std::string(5000, ' '));
  answer.hang = true;
  server_.Say({answer});
  ChatClientOptions options = Options();
  options.most_bytes = 4000;
  const ChatFailure failure = Fails(options);
  EXPECT_EQ(failure.kind, ChatFault::kTooLarge);
  EXPECT_EQ(failure.message, "the answer of " + base() + "/chat/completions is larger than 4000 bytes");
}

TEST_F(ChatFailureTest, ARefusalWithoutEndIsKnownByItsStatus) {
  ScriptedAnswer answer = Body(403, std::string(100000, 'x'));
  answer.hang = true;
  EXPECT_EQ(Fails(answer).kind, ChatFault::kKeyRefused);
}

TEST_F(ChatFailureTest, PlaceholderKeysStayWhereTheyStand) {
  ChatClientOptions options = Options();
  options.key = "none";
  options.tries = 1;
  server_.Say({ErrorAnswer(400, "none of it is right")});
  EXPECT_EQ(Failure(Client(options)->Ask(Question(), {})).message,
            "the server refuses the request (400): none of it is right");
}

TEST(ChatFaultTest, NamesAreUniqueAndLeadBack) {
  for (int i = 0; i <= static_cast<int>(ChatFault::kRecording); ++i) {
    const auto fault = static_cast<ChatFault>(i);
    EXPECT_EQ(ChatFaultOf(Name(fault)), fault);
  }
  EXPECT_EQ(ChatFaultOf("other"), std::nullopt);
}

}  // namespace
}  // namespace kopt
