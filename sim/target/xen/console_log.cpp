#include "sim/target/xen/console_log.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "sim/target/target.hpp"

namespace assay::xen {

namespace {
/// A guest may print for ever: only the newest text is kept.
constexpr uint64_t kTextBytesMax = 4u << 20;
}  // namespace

ConsoleLog::ConsoleLog() : file_(memfd_create("assay-console", MFD_CLOEXEC)) {
  if (file_.get() < 0 || fcntl(file_.get(), F_SETFL, O_APPEND) != 0) {
    throw TargetUnavailable(std::string("target xen: no file for the console: ") + std::strerror(errno));
  }
}

const std::string& ConsoleLog::text() {
  std::array<char, 16384> chunk;
  for (;;) {
    const auto offset = static_cast<off_t>(dropped_ + text_.size());
    const ssize_t count = pread(file_.get(), chunk.data(), chunk.size(), offset);
    if (count <= 0) break;
    text_.append(chunk.data(), static_cast<size_t>(count));
    if (text_.size() > 2 * kTextBytesMax) {
      const uint64_t excess = text_.size() - kTextBytesMax;
      text_.erase(0, excess);
      // Gives the memory back; the offsets stay as they are.
      fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(dropped_),
                static_cast<off_t>(excess));
      dropped_ += excess;
    }
  }
  return text_;
}

std::string ConsoleLog::since_mark() {
  const std::string& all = text();
  return all.substr(mark_ > dropped_ ? mark_ - dropped_ : 0);
}

void ConsoleLog::mark() {
  mark_ = dropped_ + text().size();
}

std::string ConsoleLog::take_new_lines() {
  const std::string& all = text();
  const size_t start = taken_ > dropped_ ? taken_ - dropped_ : 0;
  const size_t last = all.rfind('\n');
  if (last == std::string::npos || last < start) return "";
  taken_ = dropped_ + last + 1;
  return all.substr(start, last + 1 - start);
}

std::string ConsoleLog::tail(unsigned lines) {
  const std::string& all = text();
  size_t start = all.size();
  if (start > 0 && all[start - 1] == '\n') --start;
  while (lines > 0 && start != std::string::npos && start > 0) {
    start = all.rfind('\n', start - 1);
    --lines;
  }
  return start == std::string::npos || start == 0 ? all : all.substr(start + 1);
}

}  // namespace assay::xen
