/// What a core has printed: text that grows, and can go back to what it was at any moment that was taken.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace assay {

/// Moments share one log as long as one is the continuation of the other, so a moment costs what was printed since the
/// one before. Only text that differs from what was printed after the same moment earlier starts a log of its own.
class MachineConsole {
 public:
  class Moment {
   public:
    Moment() = default;

   private:
    friend class MachineConsole;
    Moment(std::shared_ptr<std::string> log, size_t bytes) : log_(std::move(log)), bytes_(bytes) {}

    std::shared_ptr<std::string> log_;  ///< begins with the text; whoever prints more may make it longer
    size_t bytes_ = 0;
  };

  [[nodiscard]] const std::string& text() const { return text_; }
  void append(std::string_view text) { text_ += text; }
  [[nodiscard]] Moment take();
  void go_back(const Moment& moment);

 private:
  std::string text_;
  Moment last_;  ///< taken or gone back to: text_ begins with it
};

}  // namespace assay
