/// A toy machine for tests: two threads take turns in a loop of four real instructions, and everything can be undone.
#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "sim/debug/debuggee.hpp"

namespace assay::debug {

class FakeDebuggee : public Debuggee {
 public:
  static constexpr uint64_t kMemory = 0x1000;  ///< one page, the only one that is mapped
  static constexpr uint64_t kMemoryBytes = 0x1000;
  static constexpr uint64_t kIncrement = kMemory;  ///< inc %rax
  static constexpr uint64_t kStore = kMemory + 3;  ///< mov %rax,(%rdi)
  static constexpr uint64_t kLoad = kMemory + 6;   ///< mov (%rdi),%rbx
  static constexpr uint64_t kJump = kMemory + 9;   ///< jmp kIncrement
  static constexpr uint64_t kCounter = 0x1800;     ///< where thread 1 stores; thread 2 does kCounterApart further
  static constexpr uint64_t kCounterApart = 0x100;

  FakeDebuggee();

  uint64_t recorded_ticks = 10'000;  ///< where the history ends
  bool exits = false;                ///< and the machine with it
  bool refuses_writes = false;
  bool has_threads = true;
  std::set<StopPoint> points;
  std::vector<std::string> monitored;
  [[nodiscard]] uint64_t ticks() const { return history_.size(); }

  std::vector<Thread> threads() override;
  std::optional<Registers> registers(ThreadId thread) override;
  bool set_registers(ThreadId thread, const Registers& registers) override;
  size_t read_memory(ThreadId thread, uint64_t va, std::span<std::byte> bytes) override;
  bool write_memory(ThreadId thread, uint64_t va, std::span<const std::byte> bytes) override;
  bool set_point(const StopPoint& point) override;
  bool clear_point(const StopPoint& point) override;
  Stop resume(const Resume& how, const std::function<bool()>& interrupted) override;
  std::string monitor(std::string_view command) override;

 private:
  static constexpr size_t kThreads = 2;
  struct Undo {
    Registers registers;  ///< of the thread whose turn it was
    uint64_t counter;     ///< its memory
  };
  [[nodiscard]] static size_t turn(uint64_t tick) { return tick % kThreads; }
  [[nodiscard]] bool exists(ThreadId thread) const { return has_threads && thread >= 1 && thread <= kThreads; }
  std::optional<Stop> advance(const Resume& how);
  std::optional<Stop> go_back(const Resume& how);
  [[nodiscard]] std::optional<Stop> watched(size_t index, uint64_t rip) const;
  [[nodiscard]] std::optional<Stop> breakpoint(size_t index) const;
  uint64_t load(uint64_t va) const;
  void store(uint64_t va, uint64_t value);

  std::array<Registers, kThreads> registers_{};
  std::vector<std::byte> memory_ = std::vector<std::byte>(kMemoryBytes);
  std::vector<Undo> history_;
};

}  // namespace assay::debug
