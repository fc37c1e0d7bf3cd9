/// Lines on the hypervisor's console, for those guests that are allowed to write there.
#pragma once

#include <cstdint>

namespace agent {

/// One line, built in place; what does not fit is cut off.
class Line {
 public:
  Line& text(const char* words);
  Line& hex(uint64_t value);
  Line& dec(uint64_t value);
  /// Ends the line and writes it by console_io; a refusal is ignored.
  void print();

 private:
  void put(char c);
  static constexpr uint32_t kBytesMax = 160;
  char bytes_[kBytesMax];
  uint32_t count_ = 0;
};

}  // namespace agent
