// Answers as servers send them, cut anywhere.
#include "llm_client/reply_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kopt {
namespace {

constexpr size_t kMost = size_t{16} << 20;
const std::string kKey = "sk-0123456789";

class ReplyReaderTest : public testing::Test {
 protected:
  std::expected<ChatReply, ChatFailure> Read(const std::vector<std::string>& pieces, size_t most = kMost) {
    ReplyReader reader(asked_, most);
    for (const std::string& piece : pieces) reader.Feed(piece);
    return reader.Finish();
  }
  ChatReply Reply(const std::vector<std::string>& pieces) {
    auto reply = Read(pieces);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : ChatReply();
  }
  ChatFailure Failure(const std::vector<std::string>& pieces, size_t most = kMost) {
    auto reply = Read(pieces, most);
    EXPECT_FALSE(reply) << reply->content;
    return reply ? ChatFailure() : reply.error();
  }

  const Quoter quoter_{kKey};
  const Asked asked_{.base = "http://h/v1", .url = "http://h/v1/chat/completions", .model = "m", .quoter = &quoter_};
};

std::string Delta(const std::string& delta) { return R"(data: {"choices":[{"index":0,"delta":)" + delta + "}]}\n\n"; }

// As recorded, with what servers add: a role, comments, an event name, nulls, the usage after the last choice.
const std::string kRecorded =
    ": OPENROUTER PROCESSING\n\n"
    "event: message\n"
    R"(data: {"id":"c1","object":"chat.completion.chunk","model":"m-2025","choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":null},"finish_reason":null}],"usage":null})"
    "\r\n\r\n"
    R"(data: {"id":"c1","model":"m-2025","choices":[{"index":0,"delta":{"content":null,"reasoning_content":"Gr\u00fc\u00dfe "},"finish_reason":null}],"usage":null})"
    "\n\n"
    R"(data:{"id":"c1","model":"m-2025","choices":[{"index":0,"delta":{"content":"a \ud83d\ude80)"
    "\xc3\xa9"
    R"( \"b\"\n"},"finish_reason":null}]})"
    "\r\r"
    R"(data: {"id":"c1","model":"m-2025","choices":[{"index":0,"delta":{"content":"end"},"finish_reason":"length"}]})"
    "\n\n"
    R"(data: {"id":"c1","model":"m-2025","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":3}})"
    "\n\n"
    "data: [DONE]\n\n";

void ExpectRecorded(const ChatReply& reply) {
  EXPECT_EQ(reply.content, "a \xf0\x9f\x9a\x80\xc3\xa9 \"b\"\nend");
  EXPECT_EQ(reply.reasoning,
            "Gr\xc3\xbc\xc3\x9f"
            "e ");
  EXPECT_EQ(reply.finish_reason, "length");
  EXPECT_EQ(reply.model, "m-2025");
  EXPECT_TRUE(reply.usage.known);
  EXPECT_EQ(reply.usage.prompt_tokens, 20);
  EXPECT_EQ(reply.usage.completion_tokens, 3);
}

TEST_F(ReplyReaderTest, ARecordedStream) { ExpectRecorded(Reply({kRecorded})); }

TEST_F(ReplyReaderTest, CutInTwoAtEveryByte) {
  for (size_t cut = 0; cut <= kRecorded.size(); ++cut) {
    ExpectRecorded(Reply({kRecorded.substr(0, cut), kRecorded.substr(cut)}));
    if (HasFailure()) FAIL() << "cut at " << cut;
  }
}

TEST_F(ReplyReaderTest, ByteByByte) {
  std::vector<std::string> bytes;
  for (const char c : kRecorded) bytes.emplace_back(1, c);
  ExpectRecorded(Reply(bytes));
}

TEST_F(ReplyReaderTest, ProgressGrowsAndTheEndIsSeen) {
  ReplyReader reader(asked_, kMost);
  reader.Feed(Delta(R"({"content":"abc"})"));
  EXPECT_EQ(reader.progress(), 3U);
  reader.Feed(Delta(R"({"reasoning":"de"})"));
  EXPECT_EQ(reader.progress(), 5U);
  EXPECT_FALSE(reader.complete());
  reader.Feed("data: [DONE]\n\n");
  EXPECT_TRUE(reader.complete());
}

TEST_F(ReplyReaderTest, AStreamCutAtAnyByteIsNeverMistakenForAWholeOne) {
  const std::string stream = Delta(R"({"content":"abc"})") + Delta(R"({"content":"def"})") + "data: [DONE]\n\n";
  const size_t whole = stream.find("[DONE]") + 6;
  for (size_t cut = 1; cut < whole; ++cut) {
    const auto reply = Read({stream.substr(0, cut)});
    ASSERT_FALSE(reply) << "cut at " << cut;
    if (cut > 5) {
      EXPECT_EQ(reply.error().kind, ChatFault::kCutStream) << "cut at " << cut;
    }
  }
  EXPECT_EQ(Reply({stream.substr(0, whole)}).content, "abcdef") << "only empty lines are missing";
}

TEST_F(ReplyReaderTest, ACutStreamSaysHowMuchCame) {
  const ChatFailure failure = Failure({Delta(R"({"content":"abc"})")});
  EXPECT_EQ(failure.message, "the reply broke off after 3 bytes, with neither finish_reason nor [DONE]");
  EXPECT_TRUE(failure.retryable);
}

TEST_F(ReplyReaderTest, FinishReasonOrDoneIsEnough) {
  EXPECT_EQ(Reply({R"(data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]})"
                   "\n\n"})
                .content,
            "a");
  const ChatReply reply = Reply({Delta(R"({"content":"a"})"), "data: [DONE]\n\n"});
  EXPECT_EQ(reply.content, "a");
  EXPECT_EQ(reply.finish_reason, "");
  EXPECT_FALSE(reply.usage.known);
}

TEST_F(ReplyReaderTest, NothingAfterDoneCounts) {
  EXPECT_EQ(Reply({Delta(R"({"content":"a"})"), "data: [DONE]\n\n" + Delta(R"({"content":"b"})") + "garbage"}).content,
            "a");
}

TEST_F(ReplyReaderTest, DataOverSeveralLinesIsOneEvent) {
  EXPECT_EQ(Reply({"data: {\"choices\":[{\"delta\":\ndata: {\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"}).content, "a");
}

TEST_F(ReplyReaderTest, OtherChoicesAreLeftOut) {
  EXPECT_EQ(Reply({R"(data: {"choices":[{"index":1,"delta":{"content":"b"}},{"index":0,"delta":{"content":"a"}}]})"
                   "\n\ndata: [DONE]\n\n"})
                .content,
            "a");
}

TEST_F(ReplyReaderTest, ReasoningThatIsSentTwiceCountsOnce) {
  EXPECT_EQ(Reply({Delta(R"({"reasoning":"r","reasoning_content":"r"})"), "data: [DONE]\n\n"}).reasoning, "r");
}

TEST_F(ReplyReaderTest, OneJsonText) {
  const ChatReply reply = Reply(
      {R"( {"model":"m2","choices":[{"message":{"role":"assistant","content":"hi","reasoning":"r"},"finish_reason":"stop"}],)",
       R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})"});
  EXPECT_EQ(reply.content, "hi");
  EXPECT_EQ(reply.reasoning, "r");
  EXPECT_EQ(reply.finish_reason, "stop");
  EXPECT_EQ(reply.usage.completion_tokens, 2);
}

TEST_F(ReplyReaderTest, ContentOfNullIsEmpty) {
  EXPECT_EQ(Reply({R"({"choices":[{"message":{"content":null},"finish_reason":"length"}]})"}).content, "");
}

TEST_F(ReplyReaderTest, InvalidUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(Reply({Delta("{\"content\":\"a\xff\xc3z\"}"), "data: [DONE]\n\n"}).content, "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST_F(ReplyReaderTest, HalvesOfSurrogatePairsBecomeReplacementCharacters) {
  EXPECT_EQ(Reply({Delta(R"({"content":"a\ud83d"})"), Delta(R"({"content":"\uDE80b\\ud83d \ud83d\ude80 \ud83d\n"})"),
                   "data: [DONE]\n\n"})
                .content,
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b\\ud83d \xf0\x9f\x9a\x80 \xef\xbf\xbd\n");
}

TEST_F(ReplyReaderTest, TheKeyIsTakenOutOfTheReply) {
  const ChatReply reply = Reply({Delta(R"({"content":"x sk-01234"})"), Delta(R"({"content":"56789 y"})"),
                                 Delta("{\"reasoning\":\"" + kKey + "\"}"), "data: [DONE]\n\n"});
  EXPECT_EQ(reply.content, "x [key] y");
  EXPECT_EQ(reply.reasoning, "[key]");
}

TEST_F(ReplyReaderTest, AnErrorWithinAStream) {
  const ChatFailure failure =
      Failure({Delta(R"({"content":"a"})"), "data: {\"error\":{\"message\":\"engine died\"}}\n\n"});
  EXPECT_EQ(failure.kind, ChatFault::kServerError);
  EXPECT_EQ(failure.message, "the server reports an error in its answer: engine died");
  EXPECT_TRUE(failure.retryable);
}

TEST_F(ReplyReaderTest, AnErrorWithANumberIsTakenAsThatStatus) {
  const ChatFailure failure = Failure({R"({"error":{"code":429,"message":"slow down"}})"});
  EXPECT_EQ(failure.kind, ChatFault::kRateLimited);
  EXPECT_EQ(failure.status, 429);
}

TEST_F(ReplyReaderTest, EmptyChoices) {
  const char* message = "the server's answer holds no reply: its `choices` are empty";
  for (const char* body : {R"({"choices":[]})", "data: {\"choices\":[]}\n\ndata: [DONE]\n\n", "data: [DONE]\n\n"}) {
    const ChatFailure failure = Failure({body});
    EXPECT_EQ(failure.kind, ChatFault::kEmptyChoices) << body;
    EXPECT_EQ(failure.message, message) << body;
  }
}

TEST_F(ReplyReaderTest, WhatIsNoApi) {
  const std::string start = "the answer of http://h/v1/chat/completions ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", start + "is empty"},
      {" \n", start + "is empty"},
      {"\n<!DOCTYPE html><html>", "http://h/v1/chat/completions answers with a web page"},
      {"It works!", start + "is no JSON object: It works!"},
      {"{\"choices\":[{\"mess", start + "is no JSON object: {\"choices\":[{\"mess"},
      {"[1]", start + "is no JSON object: [1]"},
      {R"({"content":[{"text":"a"}]})", start + R"(has no `choices`: {"content":[{"text":"a"}]})"},
      {"data: nonsense\n\n", start + "holds an event that is no JSON object: nonsense"},
      {std::string("\x00\x01\xff\x1b[31m", 8), start + "is no JSON object: \\x00\\x01?\\x1b[31m"},
  };
  for (const auto& [body, message] : cases) {
    const ChatFailure failure = Failure({body});
    EXPECT_EQ(failure.kind, ChatFault::kNotCompatible) << body;
    EXPECT_EQ(failure.message, message);
    EXPECT_FALSE(failure.retryable);
  }
}

TEST_F(ReplyReaderTest, WrongTypesHarmNobody) {
  for (const char* body :
       {R"({"choices":{}})", R"({"choices":[1,null,"a",[]]})", R"({"choices":[],"usage":7,"model":[]})",
        R"({"error":[1]})", R"({"error":true})", R"({"error":{"error":{"message":5}}})"}) {
    Failure({body});
  }
  for (const char* body :
       {R"({"choices":[{"message":7}]})", R"({"choices":[{"delta":[],"finish_reason":9}]})",
        R"({"choices":[{}],"usage":{"prompt_tokens":"x"}})", R"({"choices":[{"message":{"content":[]}}]})"}) {
    EXPECT_EQ(Reply({body}).content, "");
  }
}

TEST_F(ReplyReaderTest, CountsThatNoIntegerHoldsAreNotKnown) {
  for (const char* tokens : {"1e300", "-1e300", "-1", "18446744073709551615", "null"}) {
    const ChatReply reply = Reply({R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":)" +
                                   std::string(tokens) + R"(,"completion_tokens":2}})"});
    EXPECT_FALSE(reply.usage.known) << tokens;
    EXPECT_EQ(reply.usage.prompt_tokens, 0) << tokens;
    EXPECT_EQ(reply.usage.completion_tokens, 2) << tokens;
  }
}

TEST_F(ReplyReaderTest, DeepNestsAreNotFollowed) {
  const auto nest = [](const std::string& open, const std::string& inside, const std::string& close) {
    std::string text;
    for (int i = 0; i < 500'000; ++i) text += open;
    text += inside;
    for (int i = 0; i < 500'000; ++i) text += close;
    return text;
  };
  const std::string lists = R"({"error":)" + nest("[", "", "]") + "}";
  const std::string objects = nest(R"({"error":)", "1", "}");
  for (const std::string& body : {lists, objects, "data: " + objects + "\n\n"}) {
    EXPECT_LT(Failure({body}).message.size(), 1000U);
  }
  EXPECT_LT(StatusFailure(asked_, {.status = 500, .body = lists}).message.size(), 1000U);
}

TEST_F(ReplyReaderTest, TooLarge) {
  const std::string ten(10, 'x');
  const std::vector<std::string> stream = {Delta("{\"content\":\"" + ten + "\"}"),
                                           Delta("{\"content\":\"" + ten + "\"}"), "data: [DONE]\n\n"};
  const ChatFailure failure = Failure(stream, 15);
  EXPECT_EQ(failure.kind, ChatFault::kTooLarge);
  EXPECT_EQ(failure.message, "the answer of http://h/v1/chat/completions is larger than 15 bytes");
  EXPECT_FALSE(failure.retryable);
  EXPECT_EQ(Failure({std::string(20, ' ')}, 15).kind, ChatFault::kTooLarge);
}

TEST_F(ReplyReaderTest, TheLimitOfAStreamIsForItsTextNotForItsEvents) {
  std::vector<std::string> stream(100, Delta(R"({"content":"a"})"));
  stream.push_back("data: [DONE]\n\n");
  EXPECT_TRUE(Read(stream, 200));
}

}  // namespace
}  // namespace kopt
