// What is recorded comes back as it was, whatever happened to the file.
#include "llm_client/recording.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tests/llm_client/client_fixture.h"

namespace kopt {
namespace {

using Answer = std::expected<ChatReply, ChatFailure>;
using nlohmann::json;

// Says what it was told to say.
class Parrot : public ChatModel {
 public:
  Answer Ask(const ChatRequest& request, const AskOptions&) override {
    if (!answer) return std::unexpected(answer.error());
    ChatReply reply = *answer;
    reply.content += request.messages.empty() ? "" : request.messages[0].content;
    return reply;
  }
  Answer answer;
};

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() : folder_(*TemporaryFolder::Create("recording")), file_(folder_.path() / "r.jsonl") {}

  std::unique_ptr<RecordingModel> Record(ChatModel& model) const {
    auto recording = RecordingModel::Open(model, file_);
    EXPECT_TRUE(recording) << recording.error().Text();
    return *std::move(recording);
  }
  std::unique_ptr<ReplayModel> Replay() const {
    auto replay = ReplayModel::Open(file_);
    EXPECT_TRUE(replay) << replay.error().Text();
    return *std::move(replay);
  }
  std::string Text() const { return ReadFile(file_).value_or(""); }

  TemporaryFolder folder_;
  const std::filesystem::path file_;
  Parrot parrot_;
};

TEST_F(RecordingTest, RepliesComeBack) {
  parrot_.answer = ChatReply{.content = "a \"b\"\n\xf0\x9f\x9a\x80",
                             .reasoning = "r",
                             .finish_reason = "stop",
                             .usage = {.prompt_tokens = 5, .completion_tokens = 6, .known = true},
                             .seconds = 1.5,
                             .model = "m2"};
  ASSERT_TRUE(Record(parrot_)->Ask({.model = "m"}, {}));
  const Answer reply = Replay()->Ask({.model = "other"}, {});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->content, parrot_.answer->content);
  EXPECT_EQ(reply->reasoning, "r");
  EXPECT_EQ(reply->finish_reason, "stop");
  EXPECT_EQ(reply->model, "m2");
  EXPECT_EQ(reply->seconds, 1.5);
  EXPECT_TRUE(reply->usage.known);
  EXPECT_EQ(reply->usage.prompt_tokens, 5);
  EXPECT_EQ(reply->usage.completion_tokens, 6);
}

TEST_F(RecordingTest, FailuresComeBack) {
  parrot_.answer = std::unexpected(ChatFailure{.kind = ChatFault::kRateLimited,
                                               .status = 429,
                                               .message = "slow",
                                               .hint = "wait",
                                               .retryable = true,
                                               .retry_after = 7});
  Record(parrot_)->Ask({}, {});
  const Answer reply = Replay()->Ask({}, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ChatFault::kRateLimited);
  EXPECT_EQ(reply.error().status, 429);
  EXPECT_EQ(reply.error().message, "slow");
  EXPECT_EQ(reply.error().hint, "wait");
  EXPECT_TRUE(reply.error().retryable);
  EXPECT_EQ(reply.error().retry_after, 7);
}

TEST_F(RecordingTest, ALineIsOneJsonObject) {
  parrot_.answer = ChatReply{.content = "c", .model = "m2"};
  Record(parrot_)->Ask(
      {.model = "m", .messages = {{"user", "q"}}, .max_tokens = 9, .temperature = 0.5, .stream = false}, {});
  json line = json::parse(Text());
  EXPECT_TRUE(line["seconds"].is_number());
  line.erase("seconds");
  EXPECT_EQ(line, json::parse(R"({"kopt": 1,
    "request": {"model": "m", "messages": [{"role": "user", "content": "q"}], "max_tokens": 9, "temperature": 0.5,
                "stream": false},
    "reply": {"content": "cq", "reasoning": "", "finish_reason": "", "usage": null, "model": "m2", "seconds": 0.0}})"));
}

TEST_F(RecordingTest, OnlyTheOwnerCanReadIt) {
  WriteFile(file_, "").value();  // 0644
  Record(parrot_)->Ask({}, {});
  struct stat status{};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(RecordingTest, GoesOnWhereItWas) {
  parrot_.answer->content = "a";
  Record(parrot_)->Ask({}, {});
  parrot_.answer->content = "b";
  Record(parrot_)->Ask({}, {});
  const auto replay = Replay();
  EXPECT_EQ(replay->Ask({}, {})->content, "a");
  EXPECT_EQ(replay->Ask({}, {})->content, "b");
}

TEST_F(RecordingTest, TheEndIsSaid) {
  Record(parrot_)->Ask({}, {});
  const auto replay = Replay();
  EXPECT_TRUE(replay->Ask({}, {}));
  const Answer reply = replay->Ask({}, {});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ChatFault::kRecording);
  EXPECT_EQ(reply.error().message,
            file_.string() + ": the recording is over: it holds 1 answers, and this is question 2");
  EXPECT_FALSE(reply.error().retryable);
}

TEST_F(RecordingTest, ABrokenLineIsSaidWhenItsTurnComes) {
  Record(parrot_)->Ask({}, {});
  const std::string good = Text();
  const std::string broken[] = {good.substr(0, 20) + "\n",
                                "[]\n",
                                "{\"kopt\":1}\n",
                                "{\"kopt\":2,\"reply\":{}}\n",
                                "{\"kopt\":1,\"reply\":{\"content\":5}}\n",
                                "{\"kopt\":1,\"failure\":{\"kind\":\"other\"}}\n"};
  for (const std::string& line : broken) {
    WriteFile(file_, good + "\n" + line + good).value();
    const auto replay = Replay();
    EXPECT_TRUE(replay->Ask({}, {}));
    const Answer reply = replay->Ask({}, {});
    ASSERT_FALSE(reply) << line;
    EXPECT_EQ(reply.error().message, file_.string() + ":3: this line of the recording is broken");
    EXPECT_EQ(reply.error().hint, "remove it, or record again");
    EXPECT_TRUE(replay->Ask({}, {})) << "the next one is whole";
  }
}

TEST_F(RecordingTest, ALineThatWasCutDoesNotSwallowTheNext) {
  Record(parrot_)->Ask({}, {});
  WriteFile(file_, Text().substr(0, 20)).value();
  Record(parrot_)->Ask({}, {});
  const auto replay = Replay();
  EXPECT_FALSE(replay->Ask({}, {}));
  EXPECT_TRUE(replay->Ask({}, {}));
}

TEST_F(RecordingTest, AMissingFileIsAnError) { EXPECT_FALSE(ReplayModel::Open(file_)); }

TEST_F(RecordingTest, AFileThatCannotBeOpenedIsAnError) {
  const auto recording = RecordingModel::Open(parrot_, folder_.path());
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().Text(),
            folder_.path().string() +
                ": cannot open the recording: Is a directory; name a file in a folder that can "
                "be written and has space");
}

TEST_F(RecordingTest, AFullDiskLosesNoReply) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
  auto recording = RecordingModel::Open(parrot_, "/dev/full");
  if (!recording) GTEST_SKIP() << recording.error().Text();
  EXPECT_TRUE((*recording)->Ask({}, {}));
  ASSERT_TRUE((*recording)->failure());
  EXPECT_EQ((*recording)->failure()->message, "cannot write the recording: No space left on device");
}

TEST_F(RecordingTest, ManyAtOnceDoNotMixTheirLines) {
  const auto recording = Record(parrot_);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        for (int k = 0; k < 5; ++k) {
          recording->Ask({.messages = {{"user", std::string(20000, static_cast<char>('a' + i))}}}, {});
        }
      });
    }
  }
  const auto replay = Replay();
  for (int i = 0; i < 20; ++i) {
    const Answer reply = replay->Ask({}, {});
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->content.size(), 20000U);
    EXPECT_EQ(std::ranges::count(reply->content, reply->content[0]), 20000);
  }
}

TEST_F(RecordingTest, ProgressAndCancellation) {
  parrot_.answer = ChatReply{.content = "abc", .reasoning = "de"};
  Record(parrot_)->Ask({}, {});
  size_t told = 0;
  EXPECT_TRUE(Replay()->Ask({}, {.on_progress = [&](size_t bytes) { told = bytes; }}));
  EXPECT_EQ(told, 5U);
  std::stop_source stop;
  stop.request_stop();
  const Answer reply = Replay()->Ask({}, {.stop = stop.get_token()});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ChatFault::kCancelled);
}

TEST_F(RecordingTest, TextThatIsNoUtf8IsRecorded) {
  parrot_.answer->content = "a\xff";
  EXPECT_EQ(Record(parrot_)->Ask({.messages = {{"user", "\xc3"}}}, {})->content, "a\xff\xc3");
  EXPECT_EQ(Replay()->Ask({}, {})->content, "a\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_F(RecordingTest, TheKeyIsNotInIt) {
  TestServer server;
  server.SayBy([](const SentRequest& sent) {
    const std::string echo = "you sent " + sent.Header("Authorization");
    return sent.body.find("bad") != std::string::npos ? ErrorAnswer(400, echo)
                                                      : StreamReply({echo.substr(0, 25), echo.substr(25)});
  });
  const auto client = ChatClient::Create({.base_url = server.url(), .key = kKey});
  ASSERT_TRUE(client);
  const auto recording = Record(**client);
  EXPECT_EQ(recording->Ask({.model = "m", .messages = {{"user", "good"}}}, {})->content, "you sent Bearer [key]");
  EXPECT_FALSE(recording->Ask({.model = "m", .messages = {{"user", "bad"}}}, {}));
  EXPECT_EQ(Text().find(kKey), std::string::npos);
  EXPECT_EQ(Text().find("sk-proj"), std::string::npos);
}

}  // namespace
}  // namespace kopt
