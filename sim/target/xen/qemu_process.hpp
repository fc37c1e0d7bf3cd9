/// One QEMU child process: started, watched, killed. It never outlives the thread that started it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/target/xen/file_descriptor.hpp"

namespace assay::xen {

struct QemuFiles {
  int console;      ///< becomes standard output
  int diagnostics;  ///< becomes standard error
  int ram;          ///< kept open under its own number
};

class QemuProcess {
 public:
  /// Throws TargetUnavailable when the program cannot be started.
  QemuProcess(const std::string& program, const std::vector<std::string>& arguments, const QemuFiles& files);
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;
  ~QemuProcess();

  /// How it ended ("exit code 1", "signal 11"), or nothing while it runs.
  std::optional<std::string> ended();
  /// Types on the serial console; what QEMU does not take is dropped after a short wait.
  void type(std::string_view text);
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
  std::string how_;
  FileDescriptor keyboard_;
};

/// Path of a program: itself when it names a file, otherwise found in PATH; empty when there is none.
std::string find_program(const std::string& name);

}  // namespace assay::xen
