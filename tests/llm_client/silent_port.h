// A port where connections are taken by the kernel, and nobody ever says a word.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <stdexcept>

#include "base/files.h"

namespace kopt {

class SilentPort {
 public:
  SilentPort() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* where = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_.get(), where, size) != 0 || listen(fd_.get(), 16) != 0 || getsockname(fd_.get(), where, &size) != 0) {
      throw std::runtime_error("no port is free");
    }
    port_ = ntohs(address.sin_port);
  }
  int port() const { return port_; }
  // From now on connections are refused.
  void Close() { fd_.Close(); }
  // Takes the next connection and ends it, after the client's question and after saying `words`.
  void HangUpOn(const char* words) {
    const Fd client(accept(fd_.get(), nullptr, nullptr));
    char buffer[4096];
    if (recv(client.get(), buffer, sizeof(buffer), 0) > 0)
      send(client.get(), words, std::char_traits<char>::length(words), MSG_NOSIGNAL);
  }

 private:
  Fd fd_;
  int port_ = 0;
};

}  // namespace kopt
