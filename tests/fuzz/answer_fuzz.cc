// What a server of a language model may answer, cut anywhere. The first byte says how long the pieces are, the second
// how much is too much.
#include <optional>

#include "base/printable.h"
#include "llm_client/reply_reader.h"
#include "tests/fuzz/fuzz.h"

namespace kopt {
namespace {

const std::string kKey = "sk-0123456789";
const Quoter kQuoter(kKey);
const Asked kAsked{.base = "http://h/v1", .url = "http://h/v1/chat/completions", .model = "m", .quoter = &kQuoter};

using Outcome = std::expected<ChatReply, ChatFailure>;

Outcome Read(std::string_view text, size_t piece, size_t most) {
  ReplyReader reader(kAsked, most);
  while (!text.empty()) {
    reader.Feed(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
  }
  return reader.Finish();
}

void CheckFailure(const ChatFailure& failure) {
  Require(!failure.message.empty() && failure.message.size() < 4096, "a failure is short");
  for (const std::string& text : {failure.message, failure.hint}) {
    Require(Printable(text) == text && text.find('\n') == std::string::npos, "a failure is one printable line");
    Require(text.find(kKey) == std::string::npos, "a failure does not tell the key");
  }
  (void)failure.AsError().Text();
}

void Check(const Outcome& outcome) {
  if (!outcome) return CheckFailure(outcome.error());
  for (const std::string& text : {outcome->content, outcome->reasoning, outcome->finish_reason, outcome->model}) {
    Require(ValidUtf8(text) == text, "a reply is text");
    Require(text.find(kKey) == std::string::npos, "a reply does not tell the key");
  }
  const Usage& usage = outcome->usage;
  Require(!usage.known || (usage.prompt_tokens >= 0 && usage.completion_tokens >= 0), "known tokens are counted");
}

bool Same(const Outcome& a, const Outcome& b) {
  if (a.has_value() != b.has_value()) return false;
  if (!a) return a.error().kind == b.error().kind && a.error().message == b.error().message;
  return a->content == b->content && a->reasoning == b->reasoning && a->finish_reason == b->finish_reason &&
         a->model == b->model && a->usage.prompt_tokens == b->usage.prompt_tokens &&
         a->usage.completion_tokens == b->usage.completion_tokens && a->usage.known == b->usage.known;
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kopt;
  Bytes bytes(data, size);
  const size_t piece = size_t{1} + bytes.Byte();
  const size_t most = bytes.Byte();
  const std::string_view text = bytes.Rest();
  const Outcome whole = Read(text, text.size() + 1, size_t{16} << 20);
  Check(whole);
  Require(Same(whole, Read(text, piece, size_t{16} << 20)), "pieces say what the whole says");
  Check(Read(text, piece, most));
  constexpr int kStatuses[] = {302, 400, 401, 404, 429, 503};
  CheckFailure(StatusFailure(kAsked, {.status = kStatuses[most % std::size(kStatuses)], .body = std::string(text)}));
  return 0;
}
