/// What a guest wrote to its console, up to a limit: the beginning is kept, where the reason of a failure usually is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay {

class ConsoleLog {
 public:
  static constexpr size_t kDefaultBytes = 4 << 20;

  explicit ConsoleLog(size_t bytes_max = kDefaultBytes) : bytes_max_(bytes_max) {}

  void append(std::string_view text);
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Bytes that found no room.
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

 private:
  size_t bytes_max_;
  std::string text_;
  uint64_t dropped_ = 0;
};

}  // namespace assay
