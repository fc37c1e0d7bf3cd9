/// Ctrl-C and its kin as something that can be polled, for as long as the object lives. Writing to a closed pipe, or
/// more than a file may have, is an error code meanwhile, not a signal.
#pragma once

#include <csignal>

#include "conformance/runner/worker.hpp"

namespace assay {

class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  /// Readable once SIGINT, SIGTERM or SIGHUP has arrived.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool has_arrived() const;

 private:
  sigset_t before_{};
  struct sigaction pipe_before_ {};
  struct sigaction file_size_before_ {};
  Fd fd_;
};

}  // namespace assay
