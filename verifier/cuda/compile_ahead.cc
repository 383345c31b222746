#include "verifier/cuda/compile_ahead.h"

#include <algorithm>

#include "base/process.h"

namespace kopt {
namespace {

constexpr size_t kMostAtATime = 4;

// One CPU is left to whatever judges.
size_t AtATime() { return std::clamp<size_t>(AllowedCpus().size() - 1, 1, kMostAtATime); }

}  // namespace

CompileAhead::~CompileAhead() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  for (std::jthread& thread : threads_) thread.request_stop();
}

void CompileAhead::Ask(std::vector<Text> texts) {
  Pause(false);
  std::erase_if(texts, [&](const Text& text) { return compiler_.IsCompiled(text.text, text.prefix); });
  for (const Text& text : texts) {
    if (!compiler_.Prepare(text.prefix)) return;  // whoever needs it will be told
  }
  const std::lock_guard lock(mutex_);
  waiting_.assign(std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
  const size_t most = AtATime();
  while (!waiting_.empty() && threads_.size() < most) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
  changed_.notify_all();
}

void CompileAhead::Pause(bool wait) {
  std::unique_lock lock(mutex_);
  waiting_.clear();
  if (wait) changed_.wait(lock, [&] { return running_ == 0; });
}

void CompileAhead::Work(const std::stop_token& stop) {
  while (true) {
    Text next;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
      ++running_;
    }
    (void)compiler_.Compile(next.text, next.prefix);  // kept there, errors too; failures of ours come up again
    const std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
  }
}

}  // namespace kopt
