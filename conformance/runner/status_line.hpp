/// What is going on, in a line: one that changes on a terminal, one now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

namespace assay {

class StatusLine {
 public:
  /// `every`: how long a line stands at least, on what `stream` is.
  StatusLine(std::FILE* stream, bool terminal, std::chrono::milliseconds every)
      : stream_(stream), terminal_(terminal), every_(every) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  [[nodiscard]] bool is_due() const { return Clock::now() - printed_ >= every_; }
  void show(const std::string& line);
  /// Takes the line off a terminal, so that something else can be written there.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* stream_;
  bool terminal_;
  std::chrono::milliseconds every_;
  bool shown_ = false;
  Clock::time_point printed_ = Clock::now();
};

}  // namespace assay
