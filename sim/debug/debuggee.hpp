/// What a debugger wants of a machine. Whoever owns the machine implements it; the protocol knows nothing else of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::debug {

/// One vCPU, as debuggers name what executes. Ids are 1 or more and stay the same for as long as the vCPU exists.
using ThreadId = uint32_t;
constexpr ThreadId kNoThread = 0;

struct Thread {
  ThreadId id;
  std::string name;  ///< for people: "d1v0 @ pcpu2"
};

/// Registers of a vCPU. Selectors and eflags use their low bits.
struct Registers {
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  uint64_t rip, eflags;
  uint64_t cs, ss, ds, es, fs, gs;
  uint64_t fs_base, gs_base;
  friend bool operator==(const Registers&, const Registers&) = default;
};

enum class PointKind : uint8_t { kSoftwareBreak, kHardwareBreak, kWatchWrite, kWatchRead, kWatchAccess };

/// Where to stop: an instruction that is about to execute, or `length` bytes whose use is watched. Addresses are
/// virtual and hold for every thread; memory never shows a breakpoint.
struct StopPoint {
  PointKind kind;
  uint64_t address;
  uint64_t length;
  friend auto operator<=>(const StopPoint&, const StopPoint&) = default;
};

enum class Direction : uint8_t { kForward, kBackward };

struct Resume {
  Direction direction = Direction::kForward;
  /// The thread that shall execute one instruction, or take one back; what other threads do until then is the machine's
  /// business. None: until something stops it.
  std::optional<ThreadId> step;
};

/// Why the machine stopped again. Forwards it stands before the instruction of a breakpoint and behind an instruction
/// that used watched bytes; backwards before either.
struct Stop {
  enum class Reason : uint8_t {
    kStep,            ///< the instruction is done, or taken back
    kBreakpoint,      ///< `kind`: which sort
    kWatchpoint,      ///< `kind` and `address`: which sort, and the first watched byte that was used
    kInterrupted,     ///< somebody asked
    kBeginOfHistory,  ///< backwards: there is no earlier state
    kEndOfHistory,    ///< forwards: the recording ends here; backwards still works
    kExited,          ///< the machine is gone; `text` says why
  };
  Reason reason = Reason::kStep;
  ThreadId thread = kNoThread;  ///< that it happened to; kNoThread when to none in particular
  PointKind kind = PointKind::kSoftwareBreak;
  uint64_t address = 0;
  std::string text;
};

/// A stopped machine. A thread that does not exist is an ordinary refusal: vCPUs come and go.
class Debuggee {
 public:
  Debuggee() = default;
  Debuggee(const Debuggee&) = delete;
  Debuggee& operator=(const Debuggee&) = delete;
  virtual ~Debuggee() = default;

  virtual std::vector<Thread> threads() = 0;
  /// None when there is no such thread.
  virtual std::optional<Registers> registers(ThreadId thread) = 0;
  /// False when refused; then nothing changed.
  virtual bool set_registers(ThreadId thread, const Registers& registers) = 0;
  /// Reads through the thread's current page tables. Returns how many bytes at the front of `bytes` could be read.
  virtual size_t read_memory(ThreadId thread, uint64_t va, std::span<std::byte> bytes) = 0;
  /// False when refused or when not all of it is mapped.
  virtual bool write_memory(ThreadId thread, uint64_t va, std::span<const std::byte> bytes) = 0;
  /// False when the machine cannot stop there. Never called twice for the same point without clear_point in between.
  virtual bool set_point(const StopPoint& point) = 0;
  virtual bool clear_point(const StopPoint& point) = 0;
  /// Runs until something stops it. A breakpoint at the place where a thread stands counts only after that thread has
  /// executed an instruction. `interrupted` is to be called now and then (it reads a socket) and never throws; when it
  /// is true, the machine stops soon.
  virtual Stop resume(const Resume& how, const std::function<bool()>& interrupted) = 0;
  /// What the user typed after "monitor"; the answer is text for people.
  virtual std::string monitor(std::string_view command) = 0;
};

}  // namespace assay::debug
