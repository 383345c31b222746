#include "agent/verifier_pool.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/exceptions.h"

namespace kopt {

VerifierPool::VerifierPool(std::span<Verifier* const> verifiers, Clock& clock)
    : clock_(clock), seats_(verifiers.size()) {
  for (size_t i = 0; i < seats_.size(); ++i) seats_[i].verifier = verifiers[i];
  if (seats_.size() == 1) return;
  for (size_t i = 0; i < seats_.size(); ++i) {
    seats_[i].thread = std::jthread([this, i](const std::stop_token& stop) { Serve(i, stop); });
  }
}

std::optional<size_t> VerifierPool::Idle() const {
  const auto found = std::ranges::find_if(seats_, [](const Seat& seat) { return !seat.at_work && !seat.left_out; });
  if (found == seats_.end()) return std::nullopt;
  return static_cast<size_t>(found - seats_.begin());
}

size_t VerifierPool::in_use() const { return static_cast<size_t>(std::ranges::count(seats_, false, &Seat::left_out)); }

size_t VerifierPool::at_work() const { return static_cast<size_t>(std::ranges::count(seats_, true, &Seat::at_work)); }

void VerifierPool::Start(size_t verifier, Work work) {
  Seat& seat = seats_[verifier];
  seat.at_work = true;
  if (seats_.size() == 1) {
    auto verdict = WithoutExceptions([&] { return work(*seat.verifier); });
    done_.push_back({.verifier = verifier, .verdict = std::move(verdict), .at = clock_.Now()});
    return;
  }
  const std::lock_guard lock(mutex_);
  seat.work = std::move(work);
  changed_.notify_all();
}

std::optional<VerifierPool::Done> VerifierPool::Await(double seconds) {
  std::unique_lock lock(mutex_);
  const auto arrived = [this] { return !done_.empty(); };
  if (std::isinf(seconds)) {
    changed_.wait(lock, arrived);
  } else if (!changed_.wait_for(lock, std::chrono::duration<double>(seconds), arrived)) {
    return std::nullopt;
  }
  Done done = std::move(done_.front());
  done_.pop_front();
  seats_[done.verifier].at_work = false;
  return done;
}

void VerifierPool::Serve(size_t verifier, const std::stop_token& stop) {
  Seat& seat = seats_[verifier];
  while (true) {
    Work work;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return static_cast<bool>(seat.work); })) return;
      work = std::exchange(seat.work, nullptr);
    }
    auto verdict = WithoutExceptions([&] { return work(*seat.verifier); });
    const std::lock_guard lock(mutex_);
    done_.push_back({.verifier = verifier, .verdict = std::move(verdict), .at = clock_.Now()});
    changed_.notify_all();
  }
}

}  // namespace kopt
