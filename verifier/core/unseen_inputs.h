// Is a candidate faster on inputs that it was given before? One that keeps answers between calls, wherever it keeps
// them, is right in every call and fast in all but the first on each input set. On inputs that are new it is slow.
#pragma once

#include <span>

namespace kopt {

struct UnseenInputs {
  static constexpr double kEffect =
      0.01;  // what is gained by remembering less than that is below what counts as faster
  static constexpr int kBatches = 8, kMoreBatches = 16;

  int count = 0;
  int slower = 0;    // by more than kEffect than the batches on inputs that were seen before are on average
  double ratio = 1;  // of the averages: unseen / seen

  // All but one of the first batches: worth more of them. Of 24, 22 would be slower in 2 of 100 000 runs if either were
  // as likely, which is more than noise alone can do: its median is not above its average.
  bool IsSuspicious() const { return count >= kBatches && slower + 1 >= count; }
  bool IsCertain() const { return count >= kBatches + kMoreBatches && slower + 2 >= count; }
};

// Seconds a call. Averages are those of the logarithms.
UnseenInputs CompareUnseen(std::span<const double> seen, std::span<const double> unseen);

}  // namespace kopt
