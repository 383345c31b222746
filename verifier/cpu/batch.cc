#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/parallel.h"
#include "verifier/cpu/session.h"

namespace kopt {
namespace {

constexpr size_t kPage = 4096;

size_t RoundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

template <class T>
void Append(std::string& text, const T* items, size_t count) {
  text.append(reinterpret_cast<const char*>(items), count * sizeof(T));
}

// What lies beyond the last batch's layout was out of its reach through the mappings it was given, but not through the
// descriptors: those pages are given back.
void Forget(SharedMemory& memory, size_t used) {
  const std::span<std::byte> bytes = memory.bytes();
  Parallel(used, [&](size_t begin, size_t end) { std::memset(bytes.data() + begin, 0, end - begin); });
  if (used == bytes.size()) return;
  const auto rest = static_cast<off_t>(bytes.size() - used);
  if (fallocate(memory.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(used), rest) != 0) {
    std::ranges::fill(bytes.subspan(used), std::byte{0});
  }
}

}  // namespace

Result<Arenas> Arenas::Create() {
  Arenas arenas;
  KOPT_CHECK(arenas.Reserve(kPage, kStatusBytes));
  return arenas;
}

Result<void> Arenas::Reserve(size_t read_only_bytes, size_t read_write_bytes) {
  if (read_only_.bytes().size() < read_only_bytes) {
    KOPT_TRY(read_only_, SharedMemory::Create(read_only_bytes));
    KOPT_TRY(descriptor_, read_only_.ReadOnly());
    used_read_only_ = 0;
  }
  if (read_write_.bytes().size() < read_write_bytes) {
    KOPT_TRY(read_write_, SharedMemory::Create(read_write_bytes));
    used_read_write_ = 0;
  }
  return {};
}

void Arenas::Used(size_t read_only_bytes, size_t read_write_bytes) {
  used_read_only_ = std::max(used_read_only_, read_only_bytes);
  used_read_write_ = std::max(used_read_write_, read_write_bytes);
}

void Arenas::Clear() {
  Forget(read_only_, used_read_only_);
  Forget(read_write_, used_read_write_);
  used_read_only_ = used_read_write_ = 0;
  // The worker's descriptors share their offset with these.
  for (const int fd : {descriptor_.get(), read_write_.fd()}) lseek(fd, 0, SEEK_SET);
}

int Batch::AddBuffer(size_t bytes, bool writable, int align) {
  const auto step = static_cast<size_t>(std::clamp(align, 1, static_cast<int>(kPage)));
  // Below 256 the start is an odd multiple of `align`: a candidate may not rely on more.
  const size_t odd = step < 256 ? step : 0;
  const size_t size = std::max<size_t>(RoundUp(bytes, std::max<size_t>(step, 1)), 1);
  const size_t map_bytes = RoundUp(size + odd, kPage);
  size_t offset = (map_bytes - size) / step * step;
  if (odd != 0 && (offset / step) % 2 == 0) offset -= std::min(offset, step);
  if (odd != 0 && offset == 0) offset = step;
  size_t& arena = writable ? read_write_bytes_ : read_only_bytes_;
  buffers_.push_back(
      {.file_offset = arena, .map_bytes = map_bytes, .data_offset = offset, .writable = writable ? 1U : 0U});
  bytes_.push_back(bytes);
  arena += map_bytes;
  return static_cast<int>(buffers_.size()) - 1;
}

void Batch::AddStep(int stub, const std::vector<ArgEntry>& args) {
  steps_.push_back({.stub = stub,
                    .first_arg = static_cast<uint32_t>(args_.size()),
                    .arg_count = static_cast<uint32_t>(args.size()),
                    .call = calls_ - 1});
  args_.insert(args_.end(), args.begin(), args.end());
}

void Batch::AddZero(int buffer) {
  steps_.push_back({.stub = -1,
                    .first_arg = static_cast<uint32_t>(args_.size()),
                    .arg_count = 1,
                    .call = calls_ - 1,
                    .zero_bytes = bytes_[static_cast<size_t>(buffer)]});
  args_.push_back({.buffer = buffer});
}

std::span<std::byte> Batch::Mapping(Arenas& arenas, int buffer) const {
  const BufferEntry& entry = buffers_[static_cast<size_t>(buffer)];
  SharedMemory& memory = entry.writable != 0 ? arenas.read_write() : arenas.read_only();
  return memory.bytes().subspan(entry.file_offset, entry.map_bytes);
}

std::span<std::byte> Batch::Data(Arenas& arenas, int buffer) const {
  const auto i = static_cast<size_t>(buffer);
  return Mapping(arenas, buffer).subspan(buffers_[i].data_offset, bytes_[i]);
}

std::span<std::byte> Batch::Front(Arenas& arenas, int buffer) const {
  return Mapping(arenas, buffer).first(buffers_[static_cast<size_t>(buffer)].data_offset);
}

std::span<std::byte> Batch::Back(Arenas& arenas, int buffer) const {
  const auto i = static_cast<size_t>(buffer);
  return Mapping(arenas, buffer).subspan(buffers_[i].data_offset + bytes_[i]);
}

std::string Batch::Serialize(const BatchDescriptor& how) const {
  BatchDescriptor header = how;
  header.buffer_count = static_cast<uint32_t>(buffers_.size());
  header.step_count = static_cast<uint32_t>(steps_.size());
  header.arg_count = static_cast<uint32_t>(args_.size());
  header.calls = calls_;
  std::string text;
  Append(text, &header, 1);
  Append(text, buffers_.data(), buffers_.size());
  Append(text, steps_.data(), steps_.size());
  Append(text, args_.data(), args_.size());
  return text;
}

}  // namespace kopt
