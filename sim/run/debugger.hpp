/// A recorded run under a debugger: forwards and backwards, instruction by instruction.
///
/// A position is the number of instructions that all vCPUs of the guest have executed; the instruction that comes next
/// is the one at the position. Going backwards is going to an earlier moment and executing again up to the position
/// before.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/debug/debuggee.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/run/guest_run.hpp"

namespace assay {

class Debugger final : public debug::Debuggee, private UnicornGuest::Probe {
 public:
  /// Stands before the guest's first instruction. `run` is at its beginning, outlives the debugger and is nobody else's
  /// meanwhile; its recording ends at `end_ns`.
  Debugger(GuestRun& run, uint64_t end_ns);
  ~Debugger() override;

  [[nodiscard]] uint64_t position() const { return position_; }
  /// Stands before the instruction at `position`, or at the end of the recording when that comes first.
  void go_to(uint64_t position);

  std::vector<debug::Thread> threads() override;
  std::optional<debug::Registers> registers(debug::ThreadId thread) override;
  /// Refused, as is write_memory: what comes next would not be what was recorded.
  bool set_registers(debug::ThreadId, const debug::Registers&) override { return false; }
  size_t read_memory(debug::ThreadId thread, uint64_t va, std::span<std::byte> bytes) override;
  bool write_memory(debug::ThreadId, uint64_t, std::span<const std::byte>) override { return false; }
  bool set_point(const debug::StopPoint& point) override;
  bool clear_point(const debug::StopPoint& point) override;
  debug::Stop resume(const debug::Resume& how, const std::function<bool()>& interrupted) override;
  /// "info": where it stands. "goto N": to a position.
  std::string monitor(std::string_view command) override;

 private:
  /// What is looked for while the guest runs.
  enum class Search : uint8_t {
    kPosition,  ///< stop at `limit_`
    kFirst,     ///< stop at the first thing of interest
    kLast,      ///< note each thing of interest, and stop at `limit_`
  };
  struct Moment {
    uint64_t position;
    std::shared_ptr<const GuestRun::Moment> moment;
  };
  struct Access {
    uint64_t address;
    bool is_write;
  };
  /// A thing of interest: where to stand for it, and what is said of it.
  struct Hit {
    uint64_t position;
    debug::Stop stop;
  };
  struct Unwound {};  ///< leaves the step that the guest is in the midst of

  void on_run(UnicornGuest& guest) override;
  bool on_instruction(uint64_t address) override;
  void on_access(uint64_t address, bool is_write) override;
  void on_stop(UnicornGuest& guest) override;

  static void fiber_body(void* self);
  void run_to_the_end();
  void keep_moment();
  void go_on();
  void leave_step();
  void go_back_before(uint64_t position);
  void watch_points();

  [[nodiscard]] bool decide(uint64_t address);
  [[nodiscard]] std::optional<Hit> interest(uint64_t address);
  void note_last_instruction();
  [[nodiscard]] debug::Stop watch_stop(const Access& access) const;
  [[nodiscard]] debug::Stop forward(const debug::Resume& how);
  [[nodiscard]] debug::Stop backward(const debug::Resume& how);
  [[nodiscard]] UnicornGuest* vcpu_of(debug::ThreadId thread) const;
  [[nodiscard]] debug::ThreadId current_thread() const { return current_ + 1; }

  GuestRun& run_;
  uint64_t end_ns_;
  std::vector<Moment> moments_;  ///< in the order of their positions; the first is where the run begins
  std::set<debug::StopPoint> points_;

  Search search_ = Search::kPosition;
  uint64_t limit_ = 0;
  uint64_t start_ = 0;                      ///< where the search began: points there do not count
  std::optional<debug::ThreadId> stepped_;  ///< whose next instruction is of interest
  const std::function<bool()>* interrupted_ = nullptr;
  std::optional<Hit> hit_;
  std::optional<Access> access_;  ///< of the instruction before

  uint64_t position_ = 0;
  uint32_t current_ = 0;             ///< vCPU of the instruction that comes next
  debug::ThreadId executed_by_ = 0;  ///< of the instruction before
  bool is_in_step_ = false;
  bool unwinds_ = false;
  bool has_ended_ = false;
  Fiber fiber_;
};

}  // namespace assay
