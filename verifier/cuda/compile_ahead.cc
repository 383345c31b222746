#include "verifier/cuda/compile_ahead.h"

#include <algorithm>

namespace kopt {
namespace {

constexpr size_t kAtATime = 4;

}  // namespace

CompileAhead::~CompileAhead() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void CompileAhead::Ask(std::vector<Text> texts) {
  std::erase_if(texts, [&](const Text& text) { return compiler_.IsCompiled(text.text, text.prefix); });
  for (const Text& text : texts) {
    if (!compiler_.Prepare(text.prefix)) return;  // whoever needs it will be told
  }
  const std::lock_guard lock(mutex_);
  waiting_.assign(std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
  while (!waiting_.empty() && threads_.size() < kAtATime) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
  changed_.notify_all();
}

void CompileAhead::Work(const std::stop_token& stop) {
  while (true) {
    Text next;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    (void)compiler_.Compile(next.text, next.prefix);  // kept there, errors too; failures of ours come up again
  }
}

}  // namespace kopt
