// Files and file descriptors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace kopt {

// An owned file descriptor; -1 means none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void Close() noexcept;

 private:
  int fd_ = -1;
};

// The whole file. Refuses directories and files above `most` bytes.
Result<std::string> ReadFile(const std::filesystem::path& path, size_t most = size_t{64} << 20);

// Writes to a temporary name beside `path`, syncs, renames: readers see the old or the new text, never a part.
Result<void> WriteFile(const std::filesystem::path& path, std::string_view text);

// A new, empty, private folder that disappears with the object.
class TemporaryFolder {
 public:
  // Under TMPDIR, or /tmp.
  static Result<TemporaryFolder> Create(std::string_view prefix);
  static Result<TemporaryFolder> CreateIn(const std::filesystem::path& folder, std::string_view prefix);
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// The folder of the running executable.
std::filesystem::path ProgramFolder();

// Removes files of the folder and of those in it, the longest unused (by modification time) first, until no more than
// `most` bytes are left. What cannot be removed stays.
void TrimFolder(const std::filesystem::path& folder, uint64_t most);

// Anonymous memory that can be handed to another process by descriptor; mapped here read-write while it lives.
class SharedMemory {
 public:
  static Result<SharedMemory> Create(size_t bytes);
  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  std::span<std::byte> bytes() const { return {data_, size_}; }
  int fd() const { return fd_.get(); }
  // A second descriptor through which the memory can be read but never mapped for writing.
  Result<Fd> ReadOnly() const;

 private:
  Fd fd_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace kopt
