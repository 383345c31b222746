#include "verifier/cuda/compile_ahead.h"

#include <algorithm>

#include "base/process.h"

namespace kopt {
namespace {

constexpr size_t kMostAtATime = 4;  // a verifier

// One CPU is left to each that judges.
size_t AtATime(size_t verifiers) {
  const size_t cpus = AllowedCpus().size();
  return std::clamp<size_t>(cpus > verifiers ? cpus - verifiers : 1, 1, kMostAtATime * verifiers);
}

}  // namespace

CompileAhead::CompileAhead(CudaCompileService compiler, size_t verifiers)
    : compiler_(std::move(compiler)), most_(AtATime(verifiers)) {}

CompileAhead::~CompileAhead() {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  for (std::jthread& thread : threads_) thread.request_stop();
}

CompileAhead::Hold::~Hold() {
  if (of_ == nullptr) return;
  const std::lock_guard lock(of_->mutex_);
  --(of_->*count_);
  of_->changed_.notify_all();
}

void CompileAhead::Ask(std::vector<Text> texts) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }
  std::erase_if(texts, [&](const Text& text) { return compiler_.IsCompiled(text.text, text.prefix); });
  for (const Text& text : texts) {
    if (!compiler_.Prepare(text.prefix)) return;  // whoever needs it will be told
  }
  const std::lock_guard lock(mutex_);
  waiting_.assign(std::make_move_iterator(texts.begin()), std::make_move_iterator(texts.end()));
  while (!waiting_.empty() && threads_.size() < most_) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
  changed_.notify_all();
}

CompileAhead::Hold CompileAhead::Quiet() {
  std::unique_lock lock(mutex_);
  waiting_.clear();
  ++quiet_;
  changed_.wait(lock, [&] { return running_ == 0; });
  return {*this, &CompileAhead::quiet_};
}

CompileAhead::Hold CompileAhead::Load() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return quiet_ == 0; });
  ++running_;
  return {*this, &CompileAhead::running_};
}

void CompileAhead::Work(const std::stop_token& stop) {
  while (true) {
    Text next;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return quiet_ == 0 && !waiting_.empty(); })) return;
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
