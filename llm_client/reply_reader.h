// Reads a successful answer while it arrives, whether the server streams it or sends one JSON text. Private to
// llm_client/.
#pragma once

#include <cstddef>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "llm_client/chat.h"
#include "llm_client/failures.h"

namespace kopt {

// Server-sent events as WHATWG defines them: https://html.spec.whatwg.org/multipage/server-sent-events.html. Whatever
// holds at least one `data:` line is a stream; anything else is taken as one JSON text.
class ReplyReader {
 public:
  // `most_bytes`: of the JSON text, or of content and reasoning of a stream.
  ReplyReader(const Asked& asked, size_t most_bytes) : asked_(asked), most_bytes_(most_bytes) {}

  // The next bytes, cut anywhere.
  void Feed(std::string_view bytes);
  // Nothing of interest follows: the reply is complete, or it is lost.
  bool done() const { return done_ || failure_ || size() > most_bytes_; }
  bool complete() const { return done_ && !failure_; }
  // Bytes of content and reasoning so far.
  size_t progress() const { return reply_.content.size() + reply_.reasoning.size(); }

  // After the last byte. `seconds` of the reply is left to the caller; its texts are free of the key.
  // Errors: kNotCompatible, kCutStream, kEmptyChoices, kTooLarge, and what a server reports within its answer.
  std::expected<ChatReply, ChatFailure> Finish();

 private:
  size_t size() const { return streamed_ ? line_.size() + data_.size() + progress() : raw_.size(); }
  void TakeLine();
  void TakeEvent();
  void TakeObject(const nlohmann::json& object);
  void TakeChoice(const nlohmann::json& choice);
  std::optional<ChatFailure> FaultOfStream();
  std::optional<ChatFailure> FaultOfText();

  const Asked& asked_;
  const size_t most_bytes_;
  std::string raw_;   // all of it, until it proves to be a stream
  std::string line_;  // the current one, so far
  std::string data_;  // of the current event
  bool has_data_ = false;
  bool after_return_ = false;  // the last byte was CR: a LF after it belongs to it
  bool streamed_ = false;
  bool done_ = false;  // [DONE] came
  bool has_choice_ = false;
  ChatReply reply_;
  std::optional<ChatFailure> failure_;
};

}  // namespace kopt
