#include "conformance/runner/status_line.hpp"

#include <fmt/format.h>

#include <utility>

namespace assay {

void StatusLine::show(const std::string& line) {
  printed_ = Clock::now();
  fmt::print(stream_, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ ? "" : "\n");
  std::fflush(stream_);
  shown_ = true;
}

void StatusLine::clear() {
  if (!std::exchange(shown_, false) || !terminal_) return;
  fmt::print(stream_, "\r\x1b[K");
  std::fflush(stream_);
}

}  // namespace assay
