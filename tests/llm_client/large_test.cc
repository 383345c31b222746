// Large questions and replies.
#include <gtest/gtest.h>

#include <string>

#include "tests/llm_client/client_fixture.h"

namespace kopt {
namespace {

class LargeTest : public ClientTest {};

TEST_F(LargeTest, TenMegabytes) {
  const std::string large(size_t{10} << 20, 'x');
  ScriptedAnswer text = JsonReply("@");
  ScriptedAnswer stream = StreamReply({"@"});
  for (std::string* piece : {&text.pieces[0], &stream.pieces[0]}) piece->replace(piece->find('@'), 1, large);
  server_.Say({text, stream});
  const auto client = Client(Options());
  EXPECT_TRUE(Reply(client->Ask(Question(false), {})).content == large);
  EXPECT_TRUE(Reply(client->Ask(Question(true), {})).content == large);
}

TEST_F(LargeTest, ALargeQuestion) {
  ChatRequest request = Question();
  request.messages[0].content = std::string(size_t{3} << 20, 'q');
  Reply(Ask(request));
  EXPECT_GT(server_.requests().at(0).body.size(), request.messages[0].content.size());
}

}  // namespace
}  // namespace kopt
