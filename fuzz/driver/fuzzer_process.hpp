/// One fuzzer at work, as a process of its own: what it says, line by line, and its end.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/worker.hpp"

namespace assay::fuzz {

class FuzzerProcess {
 public:
  /// `program` with `arguments`, and `target` as the one to run. Throws HarnessFault when the machine refuses.
  FuzzerProcess(const std::filesystem::path& program, const std::string& target,
                const std::vector<std::string>& arguments);
  FuzzerProcess(const FuzzerProcess&) = delete;
  FuzzerProcess& operator=(const FuzzerProcess&) = delete;
  /// Ends it the hard way unless it has ended.
  ~FuzzerProcess();

  /// Readable when it has said something; at its end, too.
  [[nodiscard]] int fd() const { return output_.get(); }
  /// Whole lines since the last call. Empty and has_ended(): no more will come.
  std::vector<std::string> take_lines();
  [[nodiscard]] bool has_ended() const { return ended_; }
  /// Asks it to finish: it keeps what it has found.
  void interrupt() const;
  /// Waits for its end, after has_ended(). As the shell has it: beyond 128, the signal that ended it.
  int wait();

 private:
  pid_t pid_ = -1;
  Fd output_;
  std::string partial_;
  bool ended_ = false;
};

/// All that a program prints on its standard output; empty unless it ends well.
std::string output_of(const std::filesystem::path& program, const std::string& target, const std::string& argument);

}  // namespace assay::fuzz
