/// A guest in process, at native speed: does what the agent kernel (sim/guest/agent) does, at register level.
///
/// There is no machine code. The instruction pointer holds one of a few addresses of the agent's image, and says where
/// the guest is: in its serving loop, behind a hypercall, in a trap handler, in the event callback. So the core sees
/// what it would see of the agent: registers, exits, and the guest's memory through the guest's own page tables.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "sim/engine/machine.hpp"
#include "sim/guest/memory/guest_memory.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// What a direct guest remembers apart from registers and memory: a value, so that a machine can be rewound.
struct DirectState {
  enum class Phase : uint8_t { kBoot, kServe, kCall, kPoll, kExecute };

  Phase phase = Phase::kBoot;
  uint8_t boot_step = 0;
  bool is_booted = false;
  bool is_lost = false;  ///< it is where the agent never is; `trouble` says more
  bool is_busy = false;  ///< a request is being executed
  bool is_parked = false;
  bool upcalls_before = false;  ///< HALT: what to go back to
  bool spin_started = false;
  bool absent_device = false;  ///< the last exit was a second-stage fault at `absent_address`
  uint32_t park_port = 0;
  uint64_t absent_address = 0;
  uint64_t call_return = 0;    ///< where the hypercall in progress returns to
  uint64_t done_bytes = 0;     ///< of a transfer that may be interrupted
  uint64_t spin_start_ns = 0;  ///< in the guest's own system time
  uint64_t stray_interrupt_ns = 0;
  uint64_t info_va = 0;  ///< vcpu_info
  uint64_t start_info_va = 0;
  uint32_t xen_leaves = 0;  ///< PVH: base of the hypervisor's CPUID leaves
  uint64_t upcall_count = 0;
  uint64_t upcall_rflags = 0;
  uint8_t upcall_mask = 0;
  uint64_t upcalls_spurious = 0;
  uint64_t upcall_rip = 0;
  std::string trouble;
};

class DirectGuest final : public GuestExecutor {
 public:
  DirectGuest(const DirectGuest&) = delete;
  DirectGuest& operator=(const DirectGuest&) = delete;
  DirectGuest(Machine& machine, const assay_agent_layout& layout, GuestType type, uint32_t vcpu_id);

  /// Begins an operation. HarnessFault when one is in flight.
  void start(const GuestRequest& request);
  /// As start(), without copies: works on the caller's request and reply until it has replied or keep() was called.
  void borrow(const GuestRequest& request, GuestReply& reply);
  /// The caller's request and reply are going away while the operation goes on.
  void keep();
  /// True between the reply and the next start().
  [[nodiscard]] const bool& has_replied() const { return has_replied_; }
  /// Of the last operation that was not borrowed.
  [[nodiscard]] const GuestReply& reply() const { return own_reply_; }
  [[nodiscard]] const bool& is_booted() const { return state_.is_booted; }
  /// What went wrong in its boot or later, in words; empty when nothing did.
  [[nodiscard]] const std::string& trouble() const { return state_.trouble; }
  /// VA of start_info or hvm_start_info, once booted.
  [[nodiscard]] uint64_t start_info() const { return state_.start_info_va; }
  [[nodiscard]] const DirectState& state() const { return state_; }
  /// Goes back to a state saved when no request was in flight.
  void restore(const DirectState& state);
  /// What another guest was in the middle of, a hypercall or nothing, comes to its end here: the domain was moved.
  /// HarnessFault when it was in the middle of something else.
  void arrive(const DirectState& state);

  GuestStep step(assay_run& run, const StepLimits& limits, assay_exit& exit) override;

 private:
  static constexpr GuestStep kLeave{GuestStep::Kind::kExit};
  static constexpr GuestStep kIdle{GuestStep::Kind::kIdle};

  // direct_guest.cpp: where the guest is, and what it meets there
  GuestStep go_on();
  GuestStep elsewhere(uint64_t rip);
  GuestStep serve();
  GuestStep back_from_call();
  GuestStep event_callback();
  GuestStep trap(uint32_t vector);
  void take_injection(assay_run& run);
  void note_upcall(uint64_t rip, uint64_t rflags);
  GuestStep lost(const std::string& why);
  GuestStep leave_for(assay_exit_reason reason);
  GuestStep call(uint64_t number, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0, uint64_t a4 = 0, uint64_t a5 = 0,
                 uint64_t a6 = 0);
  GuestStep call_again();

  // direct_boot.cpp
  GuestStep begin_pv(uint64_t start_info);
  GuestStep begin_pvh(uint64_t start_info);
  void record_boot(const assay_regs& at_entry);
  void record_upcall_mask();
  GuestStep boot_pv();
  GuestStep boot_pvh();
  GuestStep booted();
  GuestStep set_trap_table();
  GuestStep register_callback(uint16_t type, uint64_t address);
  GuestStep cpuid(uint32_t leaf);
  GuestStep look_for_leaves();
  GuestStep install_hypercall_page();
  GuestStep map_shared_info();
  GuestStep set_callback_vector();
  void note_boot_result(const char* what);

  // direct_ops.cpp: one function per operation
  GuestStep operate();
  GuestStep finish(assay_status status = ASSAY_STATUS_OK);
  GuestStep finish_fault(const assay_fault& fault);
  GuestStep finish_call();
  GuestStep after_instruction();
  GuestStep instruction(assay_exit_reason reason);
  GuestStep read();
  GuestStep write();
  GuestStep fill();
  GuestStep atomic();
  GuestStep read_cpuid();
  GuestStep access_msr(bool is_write);
  GuestStep tell_time();
  GuestStep tell_upcalls();
  GuestStep let_upcalls();
  GuestStep wait_upcall();
  GuestStep spin();
  GuestStep halt();
  GuestStep park();
  GuestStep poll();
  void clear_park_port();
  GuestStep wait_for(uint64_t ns);
  void follow_vcpu_info();

  // direct_processor.cpp: instructions from memory. Those that return bool: true when `step` says what comes of it
  GuestStep execute();
  GuestStep enter_user();
  GuestStep run_instructions();
  bool fetch(std::array<uint8_t, 8>& code, GuestStep& step);
  bool one_instruction(GuestStep& step);
  bool longer_instruction(const std::array<uint8_t, 8>& code, GuestStep& step);
  bool unknown_instruction(GuestStep& step);
  bool load(uint64_t va, uint64_t length, GuestStep& step);
  bool store(uint64_t va, uint64_t value, uint64_t length, GuestStep& step);
  bool push(uint64_t value, uint64_t length, GuestStep& step);
  bool pop(uint64_t& to, uint64_t length, GuestStep& step);
  bool go_to(uint8_t form, GuestStep& step);
  GuestStep software_interrupt(uint8_t vector);
  GuestStep exception(uint32_t vector, bool has_code = false, uint32_t code = 0, uint64_t address = 0);
  GuestStep access_failed(const MemoryMiss& miss);
  GuestStep hvm_entry(uint32_t entry, bool has_code, uint32_t code);
  GuestStep arrived(uint32_t entry);
  GuestStep tell(uint32_t entry, assay_execution& told);
  GuestStep finish_execution(assay_status status);

  // direct_memory.cpp
  template <typename Each>
  GuestStep transfer(uint64_t va, uint64_t bytes, assay_access access, Each&& each);
  bool is_absent_device(const MemoryMiss& miss);
  GuestStep missed(const MemoryMiss& miss);

  // direct_time.cpp
  uint64_t system_time();
  [[nodiscard]] uint64_t tsc() const;
  [[nodiscard]] bool upcalls_enabled();
  void set_upcalls(bool enabled);

  template <typename T>
  bool put(uint64_t va, const T& value) {
    MemoryMiss miss;
    return memory_.store(va, value, miss);
  }
  template <typename T>
  T get(uint64_t va) {
    MemoryMiss miss;
    T value{};
    static_cast<void>(memory_.load(va, value, miss));
    return value;
  }
  [[nodiscard]] bool is_pv() const { return type_ == GuestType::kPv64; }
  [[nodiscard]] uint64_t stack_top() const { return layout_.stacks + (vcpu_id_ + 1) * layout_.stack_bytes; }
  /// Memory for the arguments of its own calls: the far end of the stack.
  [[nodiscard]] uint64_t scratch() const { return layout_.stacks + vcpu_id_ * layout_.stack_bytes; }

  Machine& machine_;
  assay_agent_layout layout_;
  GuestType type_;
  uint32_t vcpu_id_;
  uint64_t serve_rip_;        ///< serving loop, and the instruction of an operation
  uint64_t instruction_end_;  ///< behind an instruction that leaves
  GuestMemory memory_;
  DirectState state_;
  GuestRequest own_request_;
  GuestReply own_reply_;
  const GuestRequest* request_ = &own_request_;
  GuestReply* reply_ = &own_reply_;
  bool has_replied_ = false;

  // Of the step in progress.
  assay_regs* regs_ = nullptr;
  assay_exit* exit_ = nullptr;
  uint64_t now_ns_ = 0;
  uint64_t tsc_offset_ = 0;
  uint32_t tsc_khz_ = 0;
};

}  // namespace assay
