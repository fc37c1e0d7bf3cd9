/// What becomes of CPU faults: a write to watched memory is noted and goes on; a fault inside a core ends that core's
/// machine, not the process; any other does what it did before.
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>

namespace assay {

/// What the processor said, as plain data: a signal handler fills it in.
struct CoreFault {
  int signal_number = 0;
  uintptr_t address = 0;  ///< for SIGSEGV and SIGBUS
  uintptr_t rip = 0;
  bool is_write = false;
};

/// Whoever runs core code. on_core_fault is called in the signal handler, on a stack of its own.
class CoreTrapTarget {
 public:
  virtual ~CoreTrapTarget() = default;
  /// True while core code runs on this thread.
  [[nodiscard]] virtual bool in_core() const = 0;
  /// Notes the fault and leaves the core for good.
  [[noreturn]] virtual void on_core_fault(const CoreFault& fault) = 0;
};

/// While it lives, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP and SIGABRT raised by core code on this thread go to the
/// target. Anywhere else they do what they did before. Scopes nest.
class CoreTrapScope {
 public:
  explicit CoreTrapScope(CoreTrapTarget& target);
  CoreTrapScope(const CoreTrapScope&) = delete;
  CoreTrapScope& operator=(const CoreTrapScope&) = delete;
  ~CoreTrapScope();

 private:
  CoreTrapTarget* outer_;
};

/// Whoever keeps memory read-only to learn of writes to it.
class WriteFaultTarget {
 public:
  virtual ~WriteFaultTarget() = default;
  /// Called in the signal handler, on whichever thread writes. True: it may write now, and does so again. False: the
  /// address is none of the target's.
  virtual bool on_write_fault(uintptr_t address) noexcept = 0;
};

/// While it lives, faults of writes anywhere in the process are shown to the target before anybody else. Threads that
/// share the memory must have ended their writing before it ends.
class WriteFaultScope {
 public:
  static constexpr size_t kScopesMax = 64;

  /// Throws std::length_error past kScopesMax.
  explicit WriteFaultScope(WriteFaultTarget& target);
  WriteFaultScope(const WriteFaultScope&) = delete;
  WriteFaultScope& operator=(const WriteFaultScope&) = delete;
  ~WriteFaultScope();

 private:
  size_t place_;
};

}  // namespace assay
