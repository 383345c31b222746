#include "base/content_cache.h"

#include "base/files.h"
#include "base/hash.h"

namespace kopt {
namespace {

constexpr size_t kMostBytes = size_t{1} << 30;

std::string Head(std::string_view key) { return fmt::format("{}\n{}", key.size(), key); }

}  // namespace

Result<ContentCache> ContentCache::Open(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return EnvironmentError(fmt::format("cannot create the folder {}: {}", folder.string(), error.message()));
  ContentCache cache;
  cache.folder_ = folder;
  return cache;
}

std::filesystem::path ContentCache::PathOf(std::string_view key) const { return folder_ / ContentHash(key); }

std::optional<std::string> ContentCache::Find(std::string_view key) const {
  if (folder_.empty()) return std::nullopt;
  const std::filesystem::path path = PathOf(key);
  auto text = ReadFile(path, kMostBytes);
  const std::string head = Head(key);
  if (!text || !text->starts_with(head)) return std::nullopt;
  std::error_code ignored;
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now(), ignored);
  return text->substr(head.size());
}

Result<void> ContentCache::Put(std::string_view key, std::string_view text) const {
  if (folder_.empty()) return {};
  return WriteFile(PathOf(key), Head(key) + std::string(text));
}

}  // namespace kopt
