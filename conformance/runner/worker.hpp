/// A worker process as the runner sees it: its pipes, what it is doing, and its end.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/frames.hpp"
#include "conformance/runner/worker_main.hpp"

namespace assay {

/// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  void reset();

 private:
  int fd_;
};

class Worker {
 public:
  using Clock = std::chrono::steady_clock;

  /// Forks. The child closes `others` (pipes of its siblings, so that their ends are noticed), gets a process group of
  /// its own, and dies with this process. Throws HarnessFault when the machine refuses.
  Worker(const TargetFactory& make_target, const std::vector<Variant>& variants, const Grader& grade,
         const std::vector<int>& others, Clock::time_point start_deadline);
  ~Worker();  ///< ends it the hard way unless it has ended
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Gives it variant `index` to grade until `deadline`.
  void run(size_t index, Clock::time_point deadline);
  void became_idle();

  [[nodiscard]] bool starting() const { return starting_; }
  [[nodiscard]] bool idle() const { return !starting_ && !variant_; }
  [[nodiscard]] std::optional<size_t> variant() const { return variant_; }
  [[nodiscard]] Clock::time_point began() const { return began_; }
  /// What its process computed since began().
  [[nodiscard]] std::chrono::nanoseconds processor_time() const;
  void extend(Clock::time_point deadline) { deadline_ = deadline; }
  /// Clock::time_point::max() while it is idle.
  [[nodiscard]] Clock::time_point deadline() const { return deadline_; }
  [[nodiscard]] FrameReader& frames() { return frames_; }
  [[nodiscard]] std::vector<int> fds() const { return {orders_.get(), results_.get(), log_.get()}; }
  [[nodiscard]] int result_fd() const { return results_.get(); }
  [[nodiscard]] pid_t pid() const { return pid_; }

  /// Kills it and all that it started. Returns how it ended: "killed by SIGSEGV (11)", "exited with status 1".
  /// `wait_ms` lets a process that is ending by itself do so first.
  std::string end(unsigned wait_ms);
  [[nodiscard]] bool ended_by_signal() const { return ended_by_signal_; }
  /// Tells it that there is no more to do, and waits a little: it takes its target down properly.
  void dismiss();
  /// What it wrote to stderr and stdout since it was last given something to do (the last part of it).
  [[nodiscard]] std::string log() const;

 private:
  [[noreturn]] void become_child(const TargetFactory& make_target, const std::vector<Variant>& variants,
                                 const Grader& grade, const std::vector<int>& others, int in, int out) const;
  [[nodiscard]] bool wait_for_end(unsigned wait_ms) const;

  pid_t pid_ = -1;
  Fd orders_;
  Fd results_;
  Fd log_;
  FrameReader frames_{-1};
  bool starting_ = true;
  bool ended_by_signal_ = false;
  std::optional<size_t> variant_;
  Clock::time_point began_;
  std::chrono::nanoseconds processor_began_{0};
  Clock::time_point deadline_;
};

}  // namespace assay
