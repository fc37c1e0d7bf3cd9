#include "conformance/runner/interruption.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace assay {

Interruption::Interruption() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&mask, number);
  sigprocmask(SIG_BLOCK, &mask, &before_);
  fd_ = Fd(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &pipe_before_);
  sigaction(SIGXFSZ, &ignore, &file_size_before_);
}

Interruption::~Interruption() {
  // What arrived meanwhile has been acted upon: it must not kill us now.
  signalfd_siginfo seen{};
  while (::read(fd_.get(), &seen, sizeof seen) > 0) {
  }
  sigaction(SIGXFSZ, &file_size_before_, nullptr);
  sigaction(SIGPIPE, &pipe_before_, nullptr);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool Interruption::has_arrived() const {
  pollfd waiting{fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0;
}

}  // namespace assay
