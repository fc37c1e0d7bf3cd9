#include "sim/debug/tcp_listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

namespace assay::debug {

namespace {

constexpr uint64_t kNsPerS = 1'000'000'000;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool listen_on(int fd, uint16_t port) {
  const int on = 1;  // a port that was ours a moment ago may be taken again
  const sockaddr_in address = loopback(port);
  return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && listen(fd, 1) == 0;
}

uint16_t port_of(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

TcpListener::TcpListener(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (fd_ < 0 || !listen_on(fd_, port)) {
    const std::string why = std::strerror(errno);
    if (fd_ >= 0) close(fd_);
    throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + why +
                             "; name another port, or 0 for any that is free");
  }
  port_ = port_of(fd_);
}

TcpListener::~TcpListener() {
  close(fd_);
}

std::unique_ptr<connect::ByteStream> TcpListener::accept(uint64_t timeout_ns) {
  pollfd waiting{fd_, POLLIN, 0};
  const timespec limit{static_cast<time_t>(timeout_ns / kNsPerS), static_cast<long>(timeout_ns % kNsPerS)};
  if (ppoll(&waiting, 1, &limit, nullptr) <= 0) return nullptr;
  const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return nullptr;
  const int on = 1;  // small packets, each answered: waiting for more to send would cost 40 ms a packet
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connect::stream_over(fd);
}

}  // namespace assay::debug
