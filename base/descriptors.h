// Messages with file descriptors over Unix sockets. Header only, so that workers, which link little, can use it.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace kopt {

inline constexpr size_t kMostDescriptors = 253;  // the kernel's own limit

// True if the whole message went out with its descriptors, at most kMostDescriptors.
inline bool SendDescriptors(int socket, std::span<const std::byte> message, std::span<const int> descriptors) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))] = {};
  if (descriptors.size() > kMostDescriptors) return false;
  iovec part{.iov_base = const_cast<std::byte*>(message.data()), .iov_len = message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(first), descriptors.data(), descriptors.size_bytes());
  }
  return sendmsg(socket, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
}

// Waits for one message of exactly this size; its descriptors, however many, are the caller's then. False at the end of
// the connection and for anything else; errno is EMFILE if this process may not have so many descriptors.
inline bool ReceiveDescriptors(int socket, std::span<std::byte> message, std::vector<int>& descriptors) {
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))] = {};
  iovec part{.iov_base = message.data(), .iov_len = message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  descriptors.clear();
  const cmsghdr* first = got >= 0 ? CMSG_FIRSTHDR(&header) : nullptr;
  if (first != nullptr && first->cmsg_type == SCM_RIGHTS) {
    descriptors.resize((first->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(descriptors.data(), CMSG_DATA(first), descriptors.size() * sizeof(int));
  }
  if (got >= 0 && (header.msg_flags & MSG_CTRUNC) != 0) {
    for (const int descriptor : descriptors) close(descriptor);
    descriptors.clear();
    errno = EMFILE;
    return false;
  }
  return got == static_cast<ssize_t>(message.size());
}

}  // namespace kopt
