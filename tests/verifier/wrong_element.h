// One wrong element among right ones, of every kind.
#pragma once

#include <cmath>
#include <limits>

#include "verifier/core/compare_rule.h"

namespace kopt {

enum class Wrong { kBeyond, kNan, kInfinity, kSign, kStale };
inline constexpr Wrong kWrongs[] = {Wrong::kBeyond, Wrong::kNan, Wrong::kInfinity, Wrong::kSign, Wrong::kStale};

// Truths between 1 and 2 that most formats have to round, and integers that fit all of them.
inline constexpr double kTruthVariance = 1e-8;
inline double RealTruth(long long i) { return 1 + static_cast<double>(i * 37 % 101) / 101; }
inline long long IntegerTruth(DType type, long long i) { return type == DType::kBool ? i % 2 : 1 + i * 37 % 101; }

// The smallest element that is further above a truth than it may be.
inline double FirstBeyond(DType type, double want, double variance) {
  const double limit = LargestError(type, want, variance);
  double got = RoundTo(type, want + limit);
  while (got - want <= limit) got = RoundTo(type, got * (1 + 2 * UnitRoundoff(type)));
  return got;
}

inline void StoreWrongReal(Wrong wrong, DType type, std::byte* storage, size_t at, double want, double variance) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double stored[] = {FirstBeyond(type, want, variance), std::numeric_limits<double>::quiet_NaN(), kInfinity,
                           -want, 0};
  StoreReal(type, storage, at, stored[static_cast<int>(wrong)]);
}

// Integers: one above, the largest and the smallest bits, another sign or the highest bit, what was there before.
inline void StoreWrongInteger(Wrong wrong, DType type, std::byte* storage, size_t at, long long want) {
  const long long stored[] = {want + 1, -1, want ^ (1LL << (8 * Size(type) - 1)), -want, 0};
  if (type != DType::kBool) return StoreInt(type, storage, at, stored[static_cast<int>(wrong)]);
  const auto right = static_cast<unsigned char>(want);
  const unsigned char bytes[] = {static_cast<unsigned char>(1 - right), 2, 255, 128,
                                 static_cast<unsigned char>(1 - right)};
  storage[at] = static_cast<std::byte>(bytes[static_cast<int>(wrong)]);
}

}  // namespace kopt
