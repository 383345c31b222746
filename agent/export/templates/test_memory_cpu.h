// Memory for a test's tensors. Written by kopt.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace support {

// Memory at a multiple of `align` bytes and not of more, filled with 0xFF: NaN to every floating type.
class Memory {
 public:
  Memory(std::size_t bytes, std::size_t align) : bytes_(bytes) {
    whole_ = static_cast<unsigned char*>(std::aligned_alloc(2 * align, (bytes / align + 4) / 2 * 2 * align));
    if (whole_ == nullptr) std::abort();
    data_ = whole_ + align;
    std::memset(data_, 0xFF, bytes);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { std::free(whole_); }
  template <class T>
  T* As() const {
    return reinterpret_cast<T*>(data_);
  }
  unsigned char* data() const { return data_; }  // what is compared
  std::size_t bytes() const { return bytes_; }
  // What was written to data() is where the kernel looks, and the reverse; here they are one.
  void Give() const {}
  std::string Fetch() const { return ""; }

 private:
  std::size_t bytes_;
  unsigned char* whole_;
  unsigned char* data_;
};

}  // namespace support
