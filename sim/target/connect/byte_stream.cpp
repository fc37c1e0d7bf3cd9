#include "sim/target/connect/byte_stream.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "sim/target/target.hpp"

namespace assay::connect {

namespace {

constexpr int kSendWaitMs = 10'000;
constexpr uint64_t kNsPerMs = 1'000'000;

[[noreturn]] void unavailable(const std::string& name, const std::string& why, const char* remedy) {
  throw TargetUnavailable("target connect:" + name + ": " + why + "; " + remedy);
}

class DescriptorStream : public ByteStream {
 public:
  explicit DescriptorStream(int fd) : fd_(fd) { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }
  DescriptorStream(const DescriptorStream&) = delete;
  DescriptorStream& operator=(const DescriptorStream&) = delete;
  ~DescriptorStream() override { close(fd_); }

  void send(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = write(fd_, bytes.data(), bytes.size());
      if (count > 0) {
        bytes.remove_prefix(static_cast<size_t>(count));
      } else if (errno == EAGAIN) {
        pollfd writable{fd_, POLLOUT, 0};
        if (poll(&writable, 1, kSendWaitMs) == 0) throw StreamClosed("nobody reads what is sent, for 10 s");
      } else if (errno != EINTR) {
        throw StreamClosed(std::string("sending failed: ") + std::strerror(errno));
      }
    }
  }

  std::string receive(uint64_t timeout_ns) override {
    pollfd readable{fd_, POLLIN, 0};
    const timespec limit{static_cast<time_t>(timeout_ns / (1000 * kNsPerMs)),
                         static_cast<long>(timeout_ns % (1000 * kNsPerMs))};
    if (ppoll(&readable, 1, &limit, nullptr) <= 0) return {};
    std::array<char, 65536> buffer;
    const ssize_t count = read(fd_, buffer.data(), buffer.size());
    if (count > 0) return {buffer.data(), static_cast<size_t>(count)};
    if (count == 0) throw StreamClosed("the other side closed the connection");
    if (errno == EAGAIN || errno == EINTR) return {};
    throw StreamClosed(std::string("receiving failed: ") + std::strerror(errno));
  }

 private:
  int fd_;
};

int open_tcp(const StreamAddress& address) {
  const std::string name = address.host + ":" + address.port;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found); error != 0) {
    unavailable(name, gai_strerror(error), "check the name and the port");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  int error = 0;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int fd = socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    if (fd < 0) continue;
    if (::connect(fd, each->ai_addr, each->ai_addrlen) == 0) {
      const int on = 1;  // small lines, each answered: waiting for more to send would cost 40 ms a line
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return fd;
    }
    error = errno;
    close(fd);
  }
  unavailable(name, std::strerror(error), "is the subject's console served there?");
}

int open_unix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) unavailable(path, "the path is too long for a socket", "use a shorter one");
  std::memcpy(name.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) return fd;
  const int error = errno;
  if (fd >= 0) close(fd);
  unavailable(path, std::strerror(error), "is somebody listening on that socket?");
}

int open_terminal(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) unavailable(path, std::strerror(errno), "check the device and its permissions");
  termios settings{};
  if (tcgetattr(fd, &settings) != 0) {
    close(fd);
    unavailable(path, "it is neither a socket nor a terminal", "name the pty or serial device of the console");
  }
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  tcsetattr(fd, TCSANOW, &settings);
  return fd;
}

}  // namespace

StreamAddress parse_address(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return {"", "", std::string(text)};
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    throw std::invalid_argument("an address is HOST:PORT, or the path of a socket or terminal with a '/' in it");
  }
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) throw std::invalid_argument("'[]' is no host: between the brackets belongs an IPv6 address");
  constexpr unsigned long kPortMax = 65535;
  const bool digits = port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || std::stoul(std::string(port)) == 0 || std::stoul(std::string(port)) > kPortMax) {
    throw std::invalid_argument("'" + std::string(port) + "' is no port: 1 to 65535");
  }
  return {std::string(host), std::string(port), ""};
}

std::unique_ptr<ByteStream> open_stream(const StreamAddress& address) {
  if (address.path.empty()) return stream_over(open_tcp(address));
  struct stat what {};
  if (stat(address.path.c_str(), &what) != 0) {
    unavailable(address.path, std::strerror(errno), "check the path; the subject must be running");
  }
  return stream_over(S_ISSOCK(what.st_mode) ? open_unix(address.path) : open_terminal(address.path));
}

std::unique_ptr<ByteStream> stream_over(int fd) {
  return std::make_unique<DescriptorStream>(fd);
}

}  // namespace assay::connect
