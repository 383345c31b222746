// The only place that reads the time or sleeps.
#pragma once

#include <cstdint>
#include <string>

namespace kopt {

// Seconds on a monotonic clock with an arbitrary origin.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual double Now() = 0;
  virtual void Sleep(double seconds) = 0;
};

// CLOCK_MONOTONIC.
Clock& SystemClock();

// Nanoseconds of CLOCK_MONOTONIC_RAW, for samples.
int64_t MonotonicNs();

// Seconds since 1970, UTC, for dates that others sent.
double EpochSeconds();

// The date and time now, UTC, ISO 8601 with milliseconds: 2026-11-20T17:44:02.123Z.
std::string Timestamp();

}  // namespace kopt
