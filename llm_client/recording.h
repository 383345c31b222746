// What was asked and answered, kept in a file, and played back from it. One JSON object a line for each Ask:
//   {"kopt": 1, "request": {...}, "reply": {...} or "failure": {...}, "seconds": 1.5}
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "llm_client/chat.h"

namespace kopt {

// Such a line for a reply that took `seconds`, with its end.
std::string RecordedLine(const ChatRequest& request, const ChatReply& reply, double seconds);

// Passes questions on to `model`, which must outlive it, and appends each with its answer to a file that only its owner
// can read. Lines are in the order of the answers. A line is on the disk before its answer is returned.
class RecordingModel : public ChatModel {
 public:
  // Creates the file, or goes on with one that is there. Errors (exit 3): it cannot be opened for writing.
  static Result<std::unique_ptr<RecordingModel>> Open(ChatModel& model, const std::filesystem::path& file);

  // The model's answer, even if it could not be recorded.
  std::expected<ChatReply, ChatFailure> Ask(const ChatRequest& request, const AskOptions& options) override;

  // Why the recording is incomplete; nothing as long as it is not. After a failed write no other is tried.
  std::optional<Error> failure() const;

 private:
  RecordingModel(ChatModel& model, std::string file, Fd fd)
      : model_(model), file_(std::move(file)), fd_(std::move(fd)) {}
  void Append(const std::string& line);
  ChatModel& model_;
  const std::string file_;
  const Fd fd_;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
};

// Answers the nth Ask with the nth line of a recording, whatever is asked, and without waiting.
class ReplayModel : public ChatModel {
 public:
  // Errors: the file cannot be read. Its lines are looked at when their turn comes.
  static Result<std::unique_ptr<ReplayModel>> Open(const std::filesystem::path& file);

  // Fails with kRecording where the recording is over or the line is broken.
  std::expected<ChatReply, ChatFailure> Ask(const ChatRequest& request, const AskOptions& options) override;

 private:
  struct Line {
    int number = 0;
    std::string text;
  };
  ReplayModel(std::string file, std::vector<Line> lines) : file_(std::move(file)), lines_(std::move(lines)) {}
  const std::string file_;
  const std::vector<Line> lines_;
  std::mutex mutex_;
  size_t next_ = 0;
};

}  // namespace kopt
