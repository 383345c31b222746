#include "base/files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

namespace kopt {
namespace {

std::unexpected<Error> FileError(std::string_view what, const std::filesystem::path& path) {
  const int code = errno;
  const bool host =
      code == ENOSPC || code == EROFS || code == EDQUOT || code == EIO || code == EMFILE || code == ENFILE;
  return std::unexpected(Error{.exit = host ? Exit::kEnvironment : Exit::kUsage,
                               .message = fmt::format("cannot {}: {}", what, std::strerror(code)),
                               .file = path.string(),
                               .hint = code == ENOSPC ? "free some space and run again" : ""});
}

Result<void> WriteAll(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", path);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

void Fd::Close() noexcept {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<std::string> ReadFile(const std::filesystem::path& path, size_t most) {
  if (path.empty()) return UsageError("the name of a file is empty");
  // A pipe that nobody writes to must not block the open.
  Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return FileError("open", path);
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) return FileError("read", path);
  fcntl(fd.get(), F_SETFL, O_RDONLY);
  if (S_ISDIR(status.st_mode)) {
    return std::unexpected(
        Error{.exit = Exit::kUsage, .message = "this is a folder, not a file", .file = path.string()});
  }
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t n = read(fd.get(), buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR && S_ISREG(status.st_mode)) continue;
    if (n < 0 && errno == EINTR) {
      return std::unexpected(
          Error{.exit = Exit::kInterrupted, .message = "interrupted while reading", .file = path.string()});
    }
    if (n < 0) return FileError("read", path);
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > most) {
      return std::unexpected(Error{.exit = Exit::kUsage,
                                   .message = fmt::format("the file is larger than {} bytes", most),
                                   .file = path.string()});
    }
  }
}

Result<void> WriteFile(const std::filesystem::path& path, std::string_view text) {
  std::string name = path.string() + ".XXXXXX";
  Fd fd(mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return FileError("create", path);
  fchmod(fd.get(), 0644);
  auto written = WriteAll(fd.get(), text, path);
  if (written && fsync(fd.get()) != 0) written = FileError("write", path);
  if (written && rename(name.c_str(), path.c_str()) != 0) written = FileError("rename", path);
  if (!written) unlink(name.c_str());
  return written;
}

Result<TemporaryFolder> TemporaryFolder::Create(std::string_view prefix) {
  std::error_code error;
  std::filesystem::path base = std::filesystem::temp_directory_path(error);
  if (error) base = "/tmp";
  return CreateIn(std::filesystem::absolute(base), prefix);
}

Result<TemporaryFolder> TemporaryFolder::CreateIn(const std::filesystem::path& base, std::string_view prefix) {
  std::string name = (base / prefix).string() + ".XXXXXX";
  if (mkdtemp(name.data()) == nullptr) {
    const int code = errno;
    return EnvironmentError(fmt::format("cannot create a folder under {}: {}", base.string(), std::strerror(code)),
                            "set TMPDIR to a folder that can be written");
  }
  return TemporaryFolder(name);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path ProgramFolder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

Result<SharedMemory> SharedMemory::Create(size_t bytes) {
  SharedMemory memory;
  memory.fd_ = Fd(memfd_create("kopt", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.fd_.valid()) return EnvironmentError(fmt::format("memfd_create: {}", std::strerror(errno)));
  const size_t page = 4096;
  memory.size_ = (bytes + page - 1) / page * page;
  if (memory.size_ == 0) memory.size_ = page;
  if (ftruncate(memory.fd_.get(), static_cast<off_t>(memory.size_)) != 0) {
    return EnvironmentError(
        fmt::format("cannot reserve {} bytes of shared memory: {}", memory.size_, std::strerror(errno)));
  }
  // A candidate must not be able to shrink what is mapped here.
  fcntl(memory.fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  void* data = mmap(nullptr, memory.size_, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd_.get(), 0);
  if (data == MAP_FAILED) {
    return EnvironmentError(fmt::format("cannot map {} bytes: {}", memory.size_, std::strerror(errno)));
  }
  memory.data_ = static_cast<std::byte*>(data);
  return memory;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::move(other.fd_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  if (this != &other) {
    if (data_ != nullptr) munmap(data_, size_);
    fd_ = std::move(other.fd_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

Result<Fd> SharedMemory::ReadOnly() const {
  Fd fd(open(fmt::format("/proc/self/fd/{}", fd_.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return InternalError(fmt::format("cannot reopen shared memory read-only: {}", std::strerror(errno)));
  return fd;
}

void TrimFolder(const std::filesystem::path& folder, uint64_t most) {
  struct File {
    std::filesystem::file_time_type used;
    std::filesystem::path path;
    uint64_t bytes;
  };
  std::vector<File> files;
  uint64_t total = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code vanished;
    if (!it->is_regular_file(vanished) || it->is_symlink(vanished)) continue;
    const uint64_t bytes = it->file_size(vanished);
    const auto used = it->last_write_time(vanished);
    if (vanished) continue;
    files.push_back({used, it->path(), bytes});
    total += bytes;
  }
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (total <= most) return;
    std::filesystem::remove(file.path, error);
    if (!error) total -= file.bytes;  // gone, by us or by another
  }
}

}  // namespace kopt
