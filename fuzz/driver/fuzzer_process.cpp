#include "fuzz/driver/fuzzer_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace assay::fuzz {
namespace {

constexpr int kCannotRun = 127;
constexpr int kKilledBy = 128;

/// In the child: never returns.
[[noreturn]] void become(const std::filesystem::path& program, const std::string& target,
                         const std::vector<std::string>& arguments, int stream, int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);  // Ctrl-C is for the driver, which passes it on
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(output, stream);
  dup2(open("/dev/null", O_RDWR), stream == STDOUT_FILENO ? STDERR_FILENO : STDOUT_FILENO);
  setenv("ASSAY_FUZZ_TARGET", target.c_str(), 1);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  _exit(kCannotRun);
}

struct Started {
  pid_t pid;
  Fd output;
};

Started start(const std::filesystem::path& program, const std::string& target,
              const std::vector<std::string>& arguments, int stream) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw HarnessFault(std::string("no pipe: ") + std::strerror(errno));
  Fd from(ends[0]);
  const Fd to(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) throw HarnessFault(std::string("no process: ") + std::strerror(errno));
  if (pid == 0) become(program, target, arguments, stream, to.get());
  return {pid, std::move(from)};
}

int status_of(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kKilledBy + WTERMSIG(status);
}

}  // namespace

FuzzerProcess::FuzzerProcess(const std::filesystem::path& program, const std::string& target,
                             const std::vector<std::string>& arguments) {
  Started started = start(program, target, arguments, STDERR_FILENO);
  pid_ = started.pid;
  output_ = std::move(started.output);
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);
}

FuzzerProcess::~FuzzerProcess() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  status_of(pid_);
}

std::vector<std::string> FuzzerProcess::take_lines() {
  std::array<char, 16384> chunk;
  ssize_t got = 0;
  while ((got = read(output_.get(), chunk.data(), chunk.size())) > 0) {
    partial_.append(chunk.data(), static_cast<size_t>(got));
  }
  ended_ = got == 0;
  std::vector<std::string> lines;
  for (size_t end = 0; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1)) {
    lines.push_back(partial_.substr(0, end));
  }
  return lines;
}

void FuzzerProcess::interrupt() const {
  if (pid_ > 0) kill(pid_, SIGINT);
}

int FuzzerProcess::wait() {
  return status_of(std::exchange(pid_, -1));
}

std::string output_of(const std::filesystem::path& program, const std::string& target, const std::string& argument) {
  const Started started = start(program, target, {argument}, STDOUT_FILENO);
  std::string text;
  std::array<char, 4096> chunk;
  ssize_t got = 0;
  while ((got = read(started.output.get(), chunk.data(), chunk.size())) > 0) {
    text.append(chunk.data(), static_cast<size_t>(got));
  }
  return status_of(started.pid) == 0 ? text : "";
}

}  // namespace assay::fuzz
