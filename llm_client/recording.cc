#include "llm_client/recording.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "llm_client/failures.h"
#include "llm_client/json.h"

namespace kopt {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr size_t kMostRecording = size_t{4} << 30;

json ToJson(const ChatRequest& request) {
  json messages = json::array();
  for (const ChatMessage& message : request.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  return {{"model", request.model},
          {"messages", std::move(messages)},
          {"max_tokens", request.max_tokens},
          {"temperature", request.temperature ? json(*request.temperature) : json()},
          {"stream", request.stream}};
}

json ToJson(const ChatReply& reply) {
  const Usage& usage = reply.usage;
  const json counts = {{"prompt_tokens", usage.prompt_tokens}, {"completion_tokens", usage.completion_tokens}};
  return {{"content", reply.content},
          {"reasoning", reply.reasoning},
          {"finish_reason", reply.finish_reason},
          {"usage", usage.known ? counts : json()},
          {"model", reply.model},
          {"seconds", reply.seconds}};
}

json ToJson(const ChatFailure& failure) {
  return {{"kind", Name(failure.kind)},     {"status", failure.status},
          {"message", failure.message},     {"hint", failure.hint},
          {"retryable", failure.retryable}, {"retry_after", failure.retry_after ? json(*failure.retry_after) : json()}};
}

// The members of these throw where one is missing or of another type.
ChatReply ReplyFrom(const json& from) {
  ChatReply reply{.content = from.at("content"),
                  .reasoning = from.at("reasoning"),
                  .finish_reason = from.at("finish_reason"),
                  .seconds = from.at("seconds"),
                  .model = from.at("model")};
  if (const json& usage = from.at("usage"); !usage.is_null()) {
    reply.usage = {
        .prompt_tokens = usage.at("prompt_tokens"), .completion_tokens = usage.at("completion_tokens"), .known = true};
  }
  return reply;
}

std::optional<ChatFailure> FailureFrom(const json& from) {
  const auto kind = ChatFaultOf(from.at("kind").get<std::string>());
  if (!kind) return std::nullopt;
  ChatFailure failure{.kind = *kind,
                      .status = from.at("status"),
                      .message = from.at("message"),
                      .hint = from.at("hint"),
                      .retryable = from.at("retryable")};
  if (const json& seconds = from.at("retry_after"); !seconds.is_null()) failure.retry_after = seconds.get<double>();
  return failure;
}

using Answer = std::expected<ChatReply, ChatFailure>;

std::string LineOf(const ChatRequest& request, const Answer& answer, double seconds) {
  json entry = {{"kopt", kFormat}, {"request", ToJson(request)}, {"seconds", seconds}};
  if (answer) {
    entry["reply"] = ToJson(*answer);
  } else {
    entry["failure"] = ToJson(answer.error());
  }
  return DumpJson(entry) + "\n";
}

// Nothing if the line is no recorded answer.
std::optional<Answer> AnswerFrom(const std::string& line) {
  const json entry = json::parse(line, nullptr, false);
  try {
    if (!entry.is_object() || entry.at("kopt") != kFormat) return std::nullopt;
    if (entry.contains("reply")) return ReplyFrom(entry.at("reply"));
    auto failure = FailureFrom(entry.at("failure"));
    return failure ? std::optional<Answer>(std::unexpected(*std::move(failure))) : std::nullopt;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

Error FileError(const char* what, const std::string& file, const char* why) {
  return {.exit = Exit::kEnvironment,
          .message = fmt::format("cannot {} the recording: {}", what, why),
          .file = file,
          .hint = "name a file in a folder that can be written and has space"};
}

}  // namespace

std::string RecordedLine(const ChatRequest& request, const ChatReply& reply, double seconds) {
  return LineOf(request, reply, seconds);
}

Result<std::unique_ptr<RecordingModel>> RecordingModel::Open(ChatModel& model, const std::filesystem::path& file) {
  Fd fd(open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat status{};
  if (!fd.valid() || fstat(fd.get(), &status) != 0 || (S_ISREG(status.st_mode) && fchmod(fd.get(), 0600) != 0)) {
    return std::unexpected(FileError("open", file, std::strerror(errno)));
  }
  char last = '\n';
  if (status.st_size > 0 && pread(fd.get(), &last, 1, status.st_size - 1) != 1) {
    return std::unexpected(FileError("read", file, std::strerror(errno)));
  }
  std::unique_ptr<RecordingModel> recording(new RecordingModel(model, file, std::move(fd)));
  if (last != '\n') recording->Append("\n");  // a line that a full disk cut must not swallow the next one
  return recording;
}

std::expected<ChatReply, ChatFailure> RecordingModel::Ask(const ChatRequest& request, const AskOptions& options) {
  const double begin = SystemClock().Now();
  auto answer = model_.Ask(request, options);
  Append(LineOf(request, answer, SystemClock().Now() - begin));
  return answer;
}

void RecordingModel::Append(const std::string& line) {
  const std::scoped_lock lock(mutex_);
  if (failure_) return;
  ssize_t written = 0;
  do {
    written = write(fd_.get(), line.data(), line.size());
  } while (written < 0 && errno == EINTR);
  if (written >= 0 && static_cast<size_t>(written) < line.size()) {
    failure_ = FileError("write", file_, "no space is left");
  } else if (written < 0 || (fdatasync(fd_.get()) != 0 && errno != EINVAL)) {  // EINVAL: no file, but a pipe or device
    failure_ = FileError("write", file_, std::strerror(errno));
  }
}

std::optional<Error> RecordingModel::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

Result<std::unique_ptr<ReplayModel>> ReplayModel::Open(const std::filesystem::path& file) {
  KOPT_TRY(const std::string text, ReadFile(file, kMostRecording));
  std::vector<Line> lines;
  std::string_view rest = text;
  for (int number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty()) lines.push_back({number, std::string(line)});
  }
  return std::unique_ptr<ReplayModel>(new ReplayModel(file, std::move(lines)));
}

std::expected<ChatReply, ChatFailure> ReplayModel::Ask(const ChatRequest&, const AskOptions& options) {
  if (options.stop.stop_requested()) {
    return std::unexpected(Cancelled());
  }
  size_t turn = 0;
  {
    const std::scoped_lock lock(mutex_);
    turn = next_++;
  }
  if (turn >= lines_.size()) {
    return std::unexpected(
        MakeFailure(ChatFault::kRecording,
                    fmt::format("{}: the recording is over: it holds {} answers, and this is question {}", file_,
                                lines_.size(), turn + 1),
                    "ask less, or record again"));
  }
  const Line& line = lines_[turn];
  auto answer = AnswerFrom(line.text);
  if (!answer) {
    return std::unexpected(MakeFailure(ChatFault::kRecording,
                                       fmt::format("{}:{}: this line of the recording is broken", file_, line.number),
                                       "remove it, or record again"));
  }
  if (*answer && options.on_progress) {
    options.on_progress((*answer)->content.size() + (*answer)->reasoning.size());
  }
  return *std::move(answer);
}

}  // namespace kopt
