/// A stack of its own for code that can be left in the middle and gone on with later, or never.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay {

/// Unlike boost::context::fiber it never unwinds: what runs on it may be C without unwind tables, and a fiber that is
/// abandoned in the middle simply is not resumed. So nothing that lives on its stack may own anything.
class Fiber {
 public:
  using Body = void (*)(void* argument);

  /// The stack lies between two inaccessible pages. `body` must never return.
  Fiber(size_t stack_bytes, Body body, void* argument);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Runs the fiber until it calls leave().
  void resume();
  /// Called on the fiber: goes back to where resume() was called.
  void leave();
  /// As leave(), from a fiber that will never be resumed, signal handlers included.
  [[noreturn]] void abandon();
  /// Forgets what was running: the next resume() starts `body` afresh.
  void restart();
  /// True when `address` lies in the stack or its guard pages.
  [[nodiscard]] bool holds(uintptr_t address) const;

 private:
  static void start(void* self);
  void switched_in();

  size_t mapped_bytes_;
  std::byte* mapped_;
  Body body_;
  void* argument_;
  void* inside_ = nullptr;   ///< context of the fiber while it is not running
  void* outside_ = nullptr;  ///< context of who resumed it
  // AddressSanitizer's view of both stacks; unused in other builds.
  void* fake_inside_ = nullptr;
  void* fake_outside_ = nullptr;
  const void* outside_bottom_ = nullptr;
  size_t outside_bytes_ = 0;
};

}  // namespace assay
