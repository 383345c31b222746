// What is asked again, how often and when; and what ends it.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/llm_client/client_fixture.h"

namespace kopt {
namespace {

constexpr double kSoon = 5;  // far less than what would pass without cancellation, far more than what does

class RetryTest : public ClientTest {
 protected:
  // Asks, and cancels once the server has the question. The answer must come soon.
  void CancelledOnceAsked(const ChatClientOptions& options) {
    const auto client = Client(options);
    std::stop_source stop;
    std::atomic<double> cancelled = 0;
    const std::jthread canceller([&] {
      EXPECT_TRUE(server_.AwaitRequests(1));
      SystemClock().Sleep(0.05);
      cancelled = SystemClock().Now();
      stop.request_stop();
    });
    const ChatFailure failure = Failure(client->Ask(Question(), {.stop = stop.get_token()}));
    const double returned = SystemClock().Now();
    EXPECT_TRUE(stop.stop_requested());
    EXPECT_LT(returned - cancelled, kSoon);
    EXPECT_EQ(failure.kind, ChatFault::kCancelled);
    EXPECT_EQ(failure.message, "the question to the model was cancelled");
    EXPECT_EQ(failure.AsError().exit, Exit::kInterrupted);
  }
};

TEST_F(RetryTest, WhatMaySucceedLaterIsAskedAgain) {
  for (const int status : {408, 409, 425, 429, 500, 503}) {
    TestServer server;
    server.Say({ErrorAnswer(status, "not now"), ErrorAnswer(status, "not now"), StreamReply({"hello"})});
    ChatClientOptions options = Options();
    options.base_url = server.url();
    EXPECT_EQ(Reply(Client(options)->Ask(Question(), {})).content, "hello");
    EXPECT_EQ(server.requests().size(), 3U) << status;
  }
}

TEST_F(RetryTest, BrokenConnectionsAndStreams) {
  ScriptedAnswer broken = Stream({Event("abc")});
  broken.cut = true;
  server_.Say({broken, Stream({Event("abc")}), StreamReply({"hello"})});
  EXPECT_EQ(Reply(Ask()).content, "hello");
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(RetryTest, WhatWillNotChangeIsAskedOnce) {
  for (const int status : {400, 401, 403, 404, 413, 418, 301}) {
    TestServer server;
    server.Say({ErrorAnswer(status, "never")});
    ChatClientOptions options = Options();
    options.base_url = server.url();
    Failure(Client(options)->Ask(Question(), {}));
    EXPECT_EQ(server.requests().size(), 1U) << status;
  }
}

TEST_F(RetryTest, TriesAreBounded) {
  server_.Say({ErrorAnswer(503, "not now")});
  const ChatFailure failure = Failure(Ask());
  EXPECT_EQ(failure.message, "the server failed (503): not now; tried 3 times");
  EXPECT_EQ(server_.requests().size(), 3U);
}

TEST_F(RetryTest, TheTotalTimeIsBounded) {
  ScriptedAnswer answer = ErrorAnswer(503, "not now");
  answer.headers["Retry-After"] = "60";
  server_.Say({answer});
  ChatClientOptions options = Options();
  options.most_wait = 60;
  const double begin = SystemClock().Now();
  const ChatFailure failure = Failure(Client(options)->Ask(Question(), {}));
  EXPECT_LT(SystemClock().Now() - begin, kSoon) << "it does not wait for what it has no time for";
  EXPECT_EQ(failure.kind, ChatFault::kServerError);
  EXPECT_EQ(failure.retry_after, 60);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(RetryTest, RetryAfterIsTheLeastWait) {
  ScriptedAnswer answer = ErrorAnswer(429, "not now");
  answer.headers["Retry-After"] = "0.7";
  server_.Say({answer, StreamReply({"hello"})});
  ChatClientOptions options = Options();
  options.most_wait = 60;
  const double begin = SystemClock().Now();
  Reply(Client(options)->Ask(Question(), {}));
  EXPECT_GE(SystemClock().Now() - begin, 0.7);
}

TEST_F(RetryTest, RetryAfterIsCapped) {
  ScriptedAnswer answer = ErrorAnswer(429, "not now");
  answer.headers["Retry-After"] = "Fri, 31 Dec 9999 23:59:59 GMT";
  server_.Say({answer, StreamReply({"hello"})});
  ChatClientOptions options = Options();
  options.most_wait = 0.1;
  const double begin = SystemClock().Now();
  EXPECT_EQ(Reply(Client(options)->Ask(Question(), {})).content, "hello");
  EXPECT_GE(SystemClock().Now() - begin, 0.1);
}

TEST_F(RetryTest, ProgressStartsAgain) {
  server_.Say({Stream({Event("abcdef")}), StreamReply({"abc"})});
  std::vector<size_t> told;
  Reply(Ask(Question(), {.on_progress = [&](size_t bytes) { told.push_back(bytes); }}));
  EXPECT_EQ(told, std::vector<size_t>({6, 3}));
}

TEST_F(RetryTest, CancelledBeforeItBegins) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(Failure(Ask(Question(), {.stop = stop.get_token()})).kind, ChatFault::kCancelled);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(RetryTest, CancelledBeforeTheFirstByte) {
  ScriptedAnswer answer = StreamReply({"hello"});
  answer.seconds_before = 60;
  server_.Say({answer});
  CancelledOnceAsked(Options());
  EXPECT_EQ(server_.requests().size(), 1U) << "nothing is asked again";
}

TEST_F(RetryTest, CancelledWithinTheReply) {
  ScriptedAnswer answer = Stream({Event("abc")});
  answer.hang = true;
  server_.Say({answer});
  CancelledOnceAsked(Options());
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(RetryTest, CancelledBetweenTwoTries) {
  ScriptedAnswer answer = ErrorAnswer(429, "not now");
  answer.headers["Retry-After"] = "60";
  server_.Say({answer});
  ChatClientOptions options = Options();
  options.most_wait = 60;
  options.total_seconds = 600;
  CancelledOnceAsked(options);
  EXPECT_EQ(server_.requests().size(), 1U);
}

TEST_F(RetryTest, CancellationIsQuick) {
  // The best of some: a busy machine may delay any one of them.
  double best = kSoon;
  for (int i = 0; i < 5 && best >= 0.2; ++i) {
    TestServer server;
    ScriptedAnswer answer = Stream({Event("abc")});
    answer.hang = true;
    server.Say({answer});
    ChatClientOptions options = Options();
    options.base_url = server.url();
    const auto client = Client(options);
    std::stop_source stop;
    std::atomic<double> cancelled = 0;
    const std::jthread canceller([&] {
      server.AwaitRequests(1);
      SystemClock().Sleep(0.05);
      cancelled = SystemClock().Now();
      stop.request_stop();
    });
    Failure(client->Ask(Question(), {.stop = stop.get_token()}));
    best = std::min(best, SystemClock().Now() - cancelled);
  }
  EXPECT_LT(best, 0.2);
}

TEST_F(RetryTest, CancellingFromTheCallback) {
  ScriptedAnswer answer = Stream({Event("abc")});
  answer.hang = true;
  server_.Say({answer});
  std::stop_source stop;
  const Answer reply = Ask(Question(), {.stop = stop.get_token(), .on_progress = [&](size_t) { stop.request_stop(); }});
  EXPECT_EQ(Failure(reply).kind, ChatFault::kCancelled);
}

TEST_F(RetryTest, AConnectionServesAgainAfterACancellation) {
  ScriptedAnswer answer = Stream({Event("abc")});
  answer.hang = true;
  server_.Say({answer, StreamReply({"hello"})});
  const auto client = Client(Options());
  std::stop_source stop;
  Failure(client->Ask(Question(), {.stop = stop.get_token(), .on_progress = [&](size_t) { stop.request_stop(); }}));
  EXPECT_EQ(Reply(client->Ask(Question(), {})).content, "hello");
}

}  // namespace
}  // namespace kopt
