/// One simulated machine: machine memory, pCPUs, virtual time and a core that runs on them. One OS thread.
///
/// Guests run one after the other, a step at a time, each on the pCPU where the core put it; the only clock moves by a
/// fixed cost per exit, and jumps when nobody has anything to do.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/core_object.hpp"
#include "sim/engine/core_trap.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/engine/guest_executor.hpp"
#include "sim/engine/hardware.hpp"
#include "sim/engine/machine_console.hpp"
#include "sim/engine/machine_digest.hpp"
#include "sim/engine/machine_memory.hpp"
#include "sim/engine/machine_state.hpp"
#include "sim/engine/machine_watcher.hpp"
#include "sim/engine/pcpu_set.hpp"
#include "sim/engine/policy.hpp"

namespace assay {

/// The core ended: by its own panic, by a fault of the processor, or by not returning. `hang` tells the last one apart.
class CoreDied : public std::runtime_error {
 public:
  enum class How : uint8_t { kPanic, kFault, kHang };
  CoreDied(How how, const std::string& what) : std::runtime_error(what), how_(how) {}
  [[nodiscard]] How how() const { return how_; }

 private:
  How how_;
};

struct MachineConfig {
  uint32_t pcpus = 8;
  uint32_t threads_per_core = 1;
  uint32_t cores_per_socket = 0;  ///< 0: one socket has all
  uint64_t memory_bytes = 256ull << 20;
  uint64_t arena_bytes = 64ull << 20;
  uint32_t tsc_khz = 2'000'000;
  uint64_t wallclock_s = 1'700'000'000;
  std::string command_line;
};

class Machine final : private CoreTrapTarget {
 public:
  /// All that the machine was. A value, cheap to copy; what moments have in common they share.
  class Moment {
    friend class Machine;
    MachineMemory::Moment memory_;
    MachineMemory::Moment arena_;
    MachineConsole::Moment console_;
    std::shared_ptr<const CoreObject::Data> data_;
    std::shared_ptr<const MachineState> state_;
  };

  /// What virtual time a step costs. Part of the digest: a change makes other digests.
  static constexpr uint64_t kExitCostNs = 500;
  static constexpr uint64_t kPointCostNs = 10;
  /// A pCPU whose guest takes time goes on for so long before another one that could go on gets its turn.
  static constexpr uint64_t kTurnNs = 20'000;
  /// A core that passes this many scheduling points within one entry will not return.
  static constexpr uint64_t kPointsPerEntryMax = 10'000'000;

  /// `core` must outlive the machine. One machine per core object at a time: a core may have state of its own.
  Machine(const CoreObject& core, const MachineConfig& config);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() override;

  /// Power on: fresh memory, time zero, no executors; then boots the core. Returns what its boot returns.
  int boot();
  int build_first_domain(const assay_image& image);
  /// Remembers this moment for rewind(). Once per boot, between steps of the guests. Executors keep their own state.
  void freeze();
  /// Back to the frozen moment. Throws std::logic_error when there is none.
  void rewind();
  /// This moment, as cheap to keep as little was written since the last one. Needs freeze(). Throws CoreDied;
  /// std::logic_error while a pCPU is in the core (settle() first) and when not frozen.
  [[nodiscard]] Moment take_moment();
  /// Back to any moment since freeze(), from wherever the machine is now, dead included: memory, the core's data, time,
  /// console, digest, executors attached then, which must still exist. Executors and the schedule policy keep their
  /// own state. Throws std::logic_error when it is a moment of another machine or boot.
  void go_back(const Moment& moment);

  void set_policy(std::unique_ptr<SchedulePolicy> policy);
  /// How long the machine sleeps when the core suspends it.
  void set_sleep(uint64_t ns) { sleep_ns_ = ns; }
  /// Null: prompt. It must outlive the machine, or be taken off.
  void set_hardware(Hardware* hardware) { hardware_ = hardware; }
  /// Folds a word of the harness's own (a seed, the contents of a reply) into the digest.
  void fold(uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0) { state_.digest.fold(a, b, c, d); }
  void fold_bytes(std::span<const std::byte> bytes) { state_.digest.fold_bytes(bytes); }

  /// From now on the executor is this vCPU. It must stay until detach, boot or destruction.
  void attach(uint16_t domid, uint32_t vcpu, GuestExecutor& guest);
  void detach(GuestExecutor& guest);
  /// The executor has something to do after having been idle.
  void wake(const GuestExecutor& guest) {
    if (guest.pcpu != PcpuSet::kNone) state_.ready.add(guest.pcpu);
  }

  /// Runs until `done` or until the clock has reached `deadline_ns`; returns `done`. Throws CoreDied.
  bool run_until(const bool& done, uint64_t deadline_ns);
  /// Lets time pass.
  void pass_time(uint64_t ns);
  /// Finishes what pCPUs are in the middle of inside the core, so that its state can be looked at.
  void settle();

  [[nodiscard]] uint64_t now_ns() const { return state_.now_ns; }
  [[nodiscard]] uint64_t exits() const { return state_.exits; }
  [[nodiscard]] uint64_t tsc(uint64_t now_ns) const;
  [[nodiscard]] const MachineConfig& config() const { return config_; }
  [[nodiscard]] uint8_t* memory() const { return memory_.data(); }
  [[nodiscard]] uint64_t frames() const { return memory_.bytes() / ASSAY_PAGE_SIZE; }
  [[nodiscard]] uint64_t digest() const { return state_.digest.value(); }
  [[nodiscard]] const std::string& console() const { return console_.text(); }
  void type_console(std::string_view text);
  /// Invariants that the core's own audit finds broken; empty when none or no audit.
  std::string audit();
  [[nodiscard]] bool is_dead() const { return death_ != nullptr; }
  /// Null: nobody watches. It must outlive the machine, or be taken off.
  void set_watcher(MachineWatcher* watcher) { watcher_ = watcher; }
  /// What each pCPU runs, and the last exits and trace events, for a failure report.
  [[nodiscard]] std::string describe() const;

 private:
  enum class Job : uint8_t { kBoot, kBuild, kAudit };
  struct Strand {  ///< what a fiber is told when it starts
    Machine* machine;
    uint32_t pcpu;
  };

  // machine.cpp
  void fill_host();
  void power_on();
  void restart_fibers();
  void run_job(Job job);
  static void job_body(void* strand);
  static void pcpu_body(void* strand);
  void check_alive() const;
  void die(CoreDied::How how, const std::string& what);
  [[nodiscard]] bool in_core() const override { return running_ != nullptr; }
  [[noreturn]] void on_core_fault(const CoreFault& fault) override;
  [[nodiscard]] std::string describe_fault(const CoreFault& fault) const;

  // machine_run.cpp
  uint32_t pick();
  void advance(uint32_t pcpu);
  void enter(uint32_t pcpu);
  void resume(uint32_t pcpu);
  void absorb(uint32_t pcpu);
  void bind(uint32_t pcpu);
  void unbind(uint32_t pcpu);
  void interrupt(uint32_t pcpu);
  void fire_due();
  bool jump(uint64_t deadline_ns);
  uint64_t next_event_of(uint32_t pcpu) const;
  uint64_t next_event() const;
  void step_guest(uint32_t pcpu);
  void note_exit(uint32_t pcpu, const PcpuState& state);
  TraceEntry& next_trace_entry();

  // machine_host.cpp: what the core calls
  static Machine& self(void* ctx) { return *static_cast<Machine*>(ctx); }
  static uint64_t host_now(void* ctx);
  static void host_set_timer(void* ctx, uint32_t pcpu, uint64_t deadline_ns);
  static void host_signal(void* ctx, uint32_t pcpu);
  static void host_console_write(void* ctx, const char* text, uint64_t bytes);
  static uint64_t host_console_read(void* ctx, char* text, uint64_t bytes);
  static void host_trace(void* ctx, uint32_t id, const uint64_t* words, uint32_t count);
  static void host_point(void* ctx, uint32_t kind, const void* object);
  static void host_suspend(void* ctx);
  static void host_panic(void* ctx, const char* message);
  void on_point(assay_point kind, const void* object);
  uint32_t choose_other(uint32_t pcpu, bool for_signal);
  uint32_t hurry_signal(uint32_t pcpu);
  [[noreturn]] void stop_core(CoreDied::How how, const char* what);

  const CoreObject& core_;
  MachineConfig config_;
  MachineMemory memory_;
  MachineMemory arena_;
  assay_host host_{};
  std::vector<Strand> strands_;
  std::vector<std::unique_ptr<Fiber>> fibers_;  ///< one per pCPU, then one for jobs
  std::unique_ptr<SchedulePolicy> policy_;
  bool steers_ = false;
  MachineWatcher* watcher_ = nullptr;
  Hardware* hardware_ = nullptr;
  uint64_t sleep_ns_ = 1'000'000'000;

  MachineState state_;
  MachineConsole console_;
  std::shared_ptr<const CoreObject::Data> last_data_;  ///< of the moment last taken or gone back to
  Moment frozen_;

  uint64_t deadline_ns_ = ASSAY_NEVER;  ///< of the run in progress

  // While core code runs.
  Fiber* running_ = nullptr;
  uint32_t running_pcpu_ = 0;
  uint64_t points_left_ = 0;
  uint32_t switch_to_ = PcpuSet::kNone;
  bool is_settling_ = false;
  CoreFault fault_{};
  bool faulted_ = false;
  std::unique_ptr<CoreDied> death_;

  Job job_{};
  const assay_image* job_image_ = nullptr;
  int job_result_ = 0;
  std::string job_text_;
};

}  // namespace assay
