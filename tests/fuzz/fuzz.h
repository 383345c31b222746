// What the targets share: numbers from the bytes of an input, and what must hold whatever the input is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

// What libFuzzer calls, and replay.cc for every file of a corpus.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace kopt {

inline std::string_view TextOf(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// Ends the process, so that the fuzzer keeps the input.
inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// An error that a user can act on.
inline void RequireUsageError(const Error& error) {
  Require(error.exit == Exit::kUsage, "the error is a usage error");
  Require(!error.message.empty(), "the error says what is wrong");
  Require(!error.file.empty() && error.line >= 1 && error.column >= 0, "the error has its place");
  Require(error.Text().size() < 16384, "the error is short");
}

// The input, taken from its front; zeros behind its end.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : text_(TextOf(data, size)) {}

  bool empty() const { return text_.empty(); }
  uint8_t Byte() {
    if (text_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(text_.front());
    text_.remove_prefix(1);
    return byte;
  }
  // Little-endian.
  uint64_t Number(int bytes) {
    uint64_t number = 0;
    for (int i = 0; i < bytes; ++i) number |= uint64_t{Byte()} << (8 * i);
    return number;
  }
  std::string_view Take(size_t bytes) {
    const std::string_view taken = text_.substr(0, bytes);
    text_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view Rest() { return Take(text_.size()); }

 private:
  std::string_view text_;
};

}  // namespace kopt
