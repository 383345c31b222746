// What kopt and its GPU workers say to each other: a JSON text in memory of its own, with file descriptors, over a
// private SOCK_SEQPACKET socket. One machine and one build. Header only: used on both sides.
//
// The worker speaks first (a frame that describes its device, or says what is missing); after that each of kopt's
// frames is answered by one. Every answer has exactly one of:
//   "ok": true       and what was asked for
//   "fault": {...}   code and words of the driver, or "deadline"; the worker is of no more use. The candidate's doing,
//                    unless "ours": true; where memory lacks, "free" and "total" bytes of the device
//   "error": "..."   kopt's or the machine's fault
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/descriptors.h"

namespace kopt {

struct Frame {
  nlohmann::json json;
  std::vector<int> descriptors;  // owned by whoever took the frame

  Frame() = default;
  Frame(nlohmann::json content) : json(std::move(content)) {}  // NOLINT
};

struct FrameHead {
  uint64_t bytes = 0;
  uint32_t descriptors = 0;
  uint32_t padding = 0;
};

// Descriptors stay the caller's.
inline bool SendFrame(int socket, const nlohmann::json& json, std::span<const int> descriptors = {}) {
  const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const int memory = memfd_create("kopt", MFD_CLOEXEC);
  if (memory < 0) return false;
  std::vector<int> all{memory};
  all.insert(all.end(), descriptors.begin(), descriptors.end());
  const FrameHead head{.bytes = text.size(), .descriptors = static_cast<uint32_t>(descriptors.size())};
  bool sent = write(memory, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  sent = sent && SendDescriptors(socket, std::as_bytes(std::span(&head, 1)), all);
  close(memory);
  return sent;
}

// Nothing at the end of the connection, or if what came is no frame.
inline std::optional<Frame> ReceiveFrame(int socket) {
  constexpr uint64_t kMostBytes = uint64_t{256} << 20;
  FrameHead head;
  std::vector<int> all;
  if (!ReceiveDescriptors(socket, std::as_writable_bytes(std::span(&head, 1)), all)) return std::nullopt;
  Frame frame;
  bool good = !all.empty() && all.size() == head.descriptors + 1 && head.bytes <= kMostBytes;
  if (good) {
    std::string text(head.bytes, '\0');
    good = pread(all[0], text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    if (good) frame.json = nlohmann::json::parse(text, nullptr, false);
    good = good && frame.json.is_object();
  }
  if (!all.empty()) close(all[0]);
  for (size_t i = 1; i < all.size(); ++i) frame.descriptors.push_back(all[i]);
  if (good) return frame;
  for (const int descriptor : frame.descriptors) close(descriptor);
  return std::nullopt;
}

}  // namespace kopt
