#include "conformance/runner/worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace assay {
namespace {

constexpr off_t kLogBytesMax = 64 * 1024;  // of which a report shows the last part
constexpr unsigned kDismissMs = 5000;

std::array<Fd, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw HarnessFault(fmt::format("pipe2: {}", std::strerror(errno)));
  return {Fd(ends[0]), Fd(ends[1])};
}

Fd make_log() {
  Fd log(::memfd_create("assay-worker", MFD_CLOEXEC));
  if (log.get() < 0) throw HarnessFault(fmt::format("memfd_create: {}", std::strerror(errno)));
  ::fcntl(log.get(), F_SETFL, O_APPEND);
  return log;
}

void restore_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Worker::Worker(const TargetFactory& make_target, const std::vector<Variant>& variants, const Grader& grade,
               const std::vector<int>& others, Clock::time_point start_deadline)
    : log_(make_log()), began_(Clock::now()), deadline_(start_deadline) {
  auto [orders_out, orders_in] = make_pipe();
  auto [results_out, results_in] = make_pipe();
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw HarnessFault(fmt::format("fork: {}", std::strerror(errno)));
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    orders_in.reset();
    results_out.reset();
    become_child(make_target, variants, grade, others, orders_out.get(), results_in.get());
  }
  ::setpgid(pid_, pid_);  // in both processes, so that it holds whoever runs first
  orders_ = std::move(orders_in);
  results_ = std::move(results_out);
  frames_ = FrameReader(results_.get());
}

void Worker::become_child(const TargetFactory& make_target, const std::vector<Variant>& variants, const Grader& grade,
                          const std::vector<int>& others, int in, int out) const {
  ::setpgid(0, 0);
  restore_signals();
  const rlimit no_core{0, 0};  // a subject that crashes by the hundred must not fill the disk
  ::setrlimit(RLIMIT_CORE, &no_core);
  for (const int fd : others) ::close(fd);
  ::dup2(log_.get(), STDOUT_FILENO);
  ::dup2(log_.get(), STDERR_FILENO);
  const int status = worker_main(make_target, variants, grade, in, out);
  std::fflush(nullptr);
  ::_exit(status);  // the runner's own static objects are not this process's to destroy
}

Worker::~Worker() {
  if (pid_ > 0) end(0);
}

void Worker::run(size_t index, Clock::time_point deadline) {
  if (::ftruncate(log_.get(), 0) != 0) throw HarnessFault(fmt::format("ftruncate: {}", std::strerror(errno)));
  const uint64_t number = index;
  std::string payload(sizeof number, '\0');
  std::memcpy(payload.data(), &number, sizeof number);
  variant_ = index;
  processor_began_ += processor_time();
  began_ = Clock::now();
  deadline_ = deadline;
  // A worker that died meanwhile is noticed by the end of its pipe.
  (void)write_frame(orders_.get(), FrameKind::kRun, payload);
}

std::chrono::nanoseconds Worker::processor_time() const {
  clockid_t clock = 0;
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return {};
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec) - processor_began_;
}

void Worker::became_idle() {
  starting_ = false;
  variant_.reset();
  deadline_ = Clock::time_point::max();
}

bool Worker::wait_for_end(unsigned wait_ms) const {
  for (unsigned waited = 0;; ++waited) {
    siginfo_t info{};
    // WNOWAIT leaves it a zombie, so its process group cannot become anybody else's before it has been killed.
    if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
      return true;
    if (waited >= wait_ms) return false;
    ::usleep(1000);
  }
}

std::string Worker::end(unsigned wait_ms) {
  if (pid_ <= 0) return "ended already";
  const bool by_itself = wait_for_end(wait_ms);
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ended_by_signal_ = by_itself && WIFSIGNALED(status);
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  const int number = WTERMSIG(status);
  const char* name = ::sigabbrev_np(number);
  return fmt::format("killed by SIG{} ({})", name != nullptr ? name : "?", number);
}

void Worker::dismiss() {
  orders_.reset();
  end(kDismissMs);
}

std::string Worker::log() const {
  const off_t bytes = ::lseek(log_.get(), 0, SEEK_END);
  const off_t from = std::max<off_t>(0, bytes - kLogBytesMax);
  std::string text(static_cast<size_t>(std::max<off_t>(0, bytes - from)), '\0');
  const ssize_t got = ::pread(log_.get(), text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

}  // namespace assay
