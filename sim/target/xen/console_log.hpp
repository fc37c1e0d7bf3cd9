/// What the emulated machine prints on its serial port. QEMU appends to an anonymous file, so it never waits for a
/// reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/target/xen/file_descriptor.hpp"

namespace assay::xen {

class ConsoleLog {
 public:
  ConsoleLog();
  [[nodiscard]] int fd() const { return file_.get(); }
  /// Everything printed so far; the newest part when there is more than the limit.
  const std::string& text();
  /// Text since the last mark.
  std::string since_mark();
  void mark();
  /// The last lines.
  std::string tail(unsigned lines);
  /// Lines completed since the last call, in order; cheap when there are none.
  std::string take_new_lines();

 private:
  FileDescriptor file_;
  std::string text_;
  uint64_t dropped_ = 0;  ///< bytes of the file that are no longer, or never were, in text_
  uint64_t mark_ = 0;     ///< offset in the file
  uint64_t taken_ = 0;    ///< offset in the file
};

}  // namespace assay::xen
