#include "llm_client/reply_reader.h"

#include <utility>

#include "llm_client/json.h"

namespace kopt {
namespace {

using nlohmann::json;

constexpr double kMostTokens = 1e15;  // no count is above it

Usage UsageOf(const json& object) {
  const auto count = [&](const char* key) -> std::optional<int64_t> {
    const auto found = object.find(key);
    const double tokens = found != object.end() && found->is_number() ? found->get<double>() : -1;
    return tokens >= 0 && tokens <= kMostTokens ? std::optional(static_cast<int64_t>(tokens)) : std::nullopt;
  };
  const auto prompt = count("prompt_tokens");
  const auto completion = count("completion_tokens");
  return {
      .prompt_tokens = prompt.value_or(0), .completion_tokens = completion.value_or(0), .known = prompt && completion};
}

}  // namespace

void ReplyReader::Feed(std::string_view bytes) {
  if (!streamed_) raw_ += bytes;
  while (!bytes.empty() && !done()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (end == std::string_view::npos) return;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    TakeLine();
  }
}

void ReplyReader::TakeLine() {
  const std::string line = std::exchange(line_, "");
  std::string_view text = line;
  if (text.empty() && has_data_) return TakeEvent();
  if (!text.starts_with("data:")) return;  // a comment, another field, or a line of a JSON text
  text.remove_prefix(5);
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += text;
  has_data_ = true;
  streamed_ = true;
  raw_.clear();
}

void ReplyReader::TakeEvent() {
  const std::string data = std::exchange(data_, "");
  has_data_ = false;
  if (data.empty() || done()) return;
  if (data == "[DONE]") {
    done_ = true;
    return;
  }
  const json object = ParseJson(data);
  if (!object.is_object()) {
    failure_ = NotCompatible(asked_, "holds an event that is no JSON object", data);
  } else {
    TakeObject(object);
  }
}

void ReplyReader::TakeObject(const json& object) {
  if (object.contains("error") && !object.at("error").is_null()) {
    failure_ = ErrorObjectFailure(asked_, object);
    return;
  }
  if (const std::string model = TextAt(object, "model"); !model.empty()) reply_.model = model;
  if (object.contains("usage") && object.at("usage").is_object()) reply_.usage = UsageOf(object.at("usage"));
  if (!object.contains("choices") || !object.at("choices").is_array()) return;
  for (const json& choice : object.at("choices")) TakeChoice(choice);
}

void ReplyReader::TakeChoice(const json& choice) {
  if (!choice.is_object()) return;
  if (choice.contains("index") && choice.at("index").is_number() && choice.at("index") != 0) return;  // we want one
  has_choice_ = true;
  const auto delta = choice.find("delta");
  const auto part = delta != choice.end() && delta->is_object() ? delta : choice.find("message");
  if (part != choice.end()) {
    reply_.content += TextAt(*part, "content");
    const std::string reasoning = TextAt(*part, "reasoning_content");
    reply_.reasoning += reasoning.empty() ? TextAt(*part, "reasoning") : reasoning;  // some servers send both
  }
  if (const std::string reason = TextAt(choice, "finish_reason"); !reason.empty()) reply_.finish_reason = reason;
}

std::optional<ChatFailure> ReplyReader::FaultOfStream() {
  // The last event may lack its empty line, but then it must be whole.
  TakeLine();
  if (has_data_ && (data_ == "[DONE]" || !ParseJson(data_).is_discarded())) TakeEvent();
  if (failure_) return failure_;
  if (!done_ && reply_.finish_reason.empty()) {
    return MakeFailure(
        ChatFault::kCutStream,
        fmt::format("the reply broke off after {} bytes, with neither finish_reason nor [DONE]", progress()), "", true);
  }
  return std::nullopt;
}

std::optional<ChatFailure> ReplyReader::FaultOfText() {
  if (raw_.find_first_not_of(" \t\r\n") == std::string::npos) return NotCompatible(asked_, "is empty", "");
  const json object = ParseJson(raw_);
  if (!object.is_object()) return NotCompatible(asked_, "is no JSON object", raw_);
  TakeObject(object);
  if (failure_) return failure_;
  if (!object.contains("choices")) return NotCompatible(asked_, "has no `choices`", raw_);
  return std::nullopt;
}

std::expected<ChatReply, ChatFailure> ReplyReader::Finish() {
  if (!failure_ && size() > most_bytes_) {
    return std::unexpected(MakeFailure(
        ChatFault::kTooLarge, fmt::format("the answer of {} is larger than {} bytes", asked_.url, most_bytes_)));
  }
  if (!failure_) failure_ = streamed_ || line_.starts_with("data:") ? FaultOfStream() : FaultOfText();
  if (failure_) return std::unexpected(*std::move(failure_));
  if (!has_choice_) {
    return std::unexpected(
        MakeFailure(ChatFault::kEmptyChoices, "the server's answer holds no reply: its `choices` are empty"));
  }
  for (std::string* text : {&reply_.content, &reply_.reasoning, &reply_.finish_reason, &reply_.model}) {
    *text = asked_.quoter->Scrub(std::move(*text));
  }
  return std::move(reply_);
}

}  // namespace kopt
