#include "sim/target/xen/qemu_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "sim/target/target.hpp"

namespace assay::xen {

namespace {

constexpr int kTypeWaitMs = 1000;

struct Channel {
  FileDescriptor theirs, ours;
};

Channel make_channel() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw TargetUnavailable(std::string("target xen: socketpair: ") + std::strerror(errno));
  }
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// Runs in the child: only calls that are safe after fork.
[[noreturn]] void become_qemu(const char* program, char* const* arguments, const QemuFiles& files, int keyboard,
                              pid_t parent, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);
  // A session of its own: Ctrl-C is for the harness, which then ends QEMU in order.
  setsid();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const bool ready = dup2(keyboard, STDIN_FILENO) >= 0 && dup2(files.console, STDOUT_FILENO) >= 0 &&
                     dup2(files.diagnostics, STDERR_FILENO) >= 0 && fcntl(files.ram, F_SETFD, 0) == 0;
  if (ready) execv(program, arguments);
  const int error = errno;
  const ssize_t written = write(report, &error, sizeof error);
  _exit(written == sizeof error ? 127 : 126);
}

std::vector<char*> as_argv(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return argv;
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable != nullptr ? variable : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

QemuProcess::QemuProcess(const std::string& program, const std::vector<std::string>& arguments,
                         const QemuFiles& files) {
  Channel keyboard = make_channel();
  Channel report = make_channel();
  const std::vector<char*> argv = as_argv(program, arguments);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw TargetUnavailable(std::string("target xen: fork: ") + std::strerror(errno));
  if (pid_ == 0) {
    become_qemu(program.c_str(), argv.data(), files, keyboard.theirs.get(), parent, report.theirs.get());
  }
  report.theirs.reset();
  int error = 0;
  if (read(report.ours.get(), &error, sizeof error) == sizeof error) {
    waitpid(pid_, nullptr, 0);
    reaped_ = true;
    throw TargetUnavailable("target xen: " + program + " could not be started: " + std::strerror(error));
  }
  keyboard_ = std::move(keyboard.ours);
}

QemuProcess::~QemuProcess() {
  if (reaped_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<std::string> QemuProcess::ended() {
  if (!reaped_) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    reaped_ = true;
    how_ = WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status))
                             : "signal " + std::to_string(WTERMSIG(status));
  }
  return how_;
}

void QemuProcess::type(std::string_view text) {
  while (!text.empty() && !ended()) {
    const ssize_t count = send(keyboard_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      text.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    pollfd writable{keyboard_.get(), POLLOUT, 0};
    if (errno != EAGAIN || poll(&writable, 1, kTypeWaitMs) <= 0) return;
  }
}

}  // namespace assay::xen
