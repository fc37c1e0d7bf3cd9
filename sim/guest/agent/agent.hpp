/// The agent kernel: a freestanding guest that executes the operations of protocol.h, as a PV64 or a PVH guest.
#pragma once

#include "sim/abi/xen.hpp"
#include "sim/guest/agent/protocol.h"

namespace agent {

constexpr uint64_t kPageBytes = 4096;
constexpr uint64_t kVirtBase = 0xffffffff80000000ull;
constexpr uint64_t kStackBytes = 16384;
constexpr uint32_t kVcpusMax = ASSAY_AGENT_VCPUS_MAX;
constexpr uint8_t kPvhVector = 0xf3;

/// Where an operation that faults resumes; zero when nothing is armed. First member is known to support.S.
struct Recovery {
  uint64_t stack_pointer;
};

/// What one vCPU keeps between operations. Touched by that vCPU only, its fault and upcall handlers included.
struct State {
  Recovery recovery;
  uint32_t id;
  uint32_t is_parked;
  uint32_t park_port;
  assay_fault fault;
  volatile uint64_t upcall_count;
  uint64_t upcall_rip;
  uint64_t upcall_rflags;
  uint64_t upcall_mask;
  volatile uint64_t upcalls_spurious;
  vcpu_info* info;
  Recovery execution_recovery;  ///< armed while an instruction is executed
  assay_execution execution;
};

/// True in a PVH guest; set once by the first vCPU.
extern bool is_pvh;
/// True when the processor wants `vmmcall` (AMD) rather than `vmcall`.
extern bool is_amd;
extern State states[kVcpusMax];

struct Request {
  uint32_t op;
  uint32_t data_bytes;
  uint64_t arg[8];
};

struct Reply {
  uint32_t status;
  uint32_t data_bytes;
  uint64_t value[4];
};

/// Executes one operation; `data` is the mailbox's. A fault within leaves through the recovery point.
void execute(State& self, const Request& request, Reply& reply, uint8_t* data);

/// Serves the mailbox of a vCPU for ever.
[[noreturn]] void serve(State& self, uint64_t boot_info);

uint64_t hypercall(uint64_t number, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0, uint64_t a4 = 0, uint64_t a5 = 0,
                   uint64_t a6 = 0);
inline uint64_t address_of(const volatile void* object) {
  return reinterpret_cast<uint64_t>(object);
}

/// Where the host may see that this vCPU only waits.
extern "C" void agent_idle();

inline void pause() {
  asm volatile("pause" ::: "memory");
}
/// Through the processor, so that a fault names the very byte: words are those that no page's end goes through.
inline void copy(uint64_t to, uint64_t from, uint64_t bytes) {
  constexpr uint64_t kWordBytes = 8;
  uint64_t words = (to | from) % kWordBytes == 0 ? bytes / kWordBytes : 0;
  bytes -= words * kWordBytes;
  asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}
inline void copy(void* to, const void* from, uint64_t bytes) {
  copy(address_of(to), address_of(from), bytes);
}

/// System time in nanoseconds by the vCPU's own time record.
uint64_t system_time_ns(const State& self);
uint64_t raw_tsc();

/// True when event upcalls are let through.
bool upcalls_enabled(const State& self);
void set_upcalls(State& self, bool enabled);

/// The vCPU that owns the stack which `stack_pointer` points into. When none does: that which executes an instruction,
/// or the first.
State& state_by_stack(uint64_t stack_pointer);
/// Sets up what is common to both types and tells the world where the mailbox is.
void init_state(State& self, uint32_t id);

/// Machine frame (PV64) or guest frame (PVH) behind an address of the image.
uint64_t frame_of(uint64_t va);
/// Address of a frame by its machine (PV64) or guest (PVH) number: the reverse of frame_of.
uint64_t va_of_frame(uint64_t frame);

struct alignas(kPageBytes) SharedInfoPage {
  shared_info info;
};

extern "C" {
extern SharedInfoPage agent_shared_info_page;
extern assay_mailbox agent_mailboxes[kVcpusMax];
extern uint8_t agent_stacks[kVcpusMax][kStackBytes];
extern uint8_t hypercall_page[kPageBytes];
extern assay_boot_record agent_boot_records[kVcpusMax];

uint64_t agent_protected(Recovery* recovery, void (*run)(void*), void* argument);
[[noreturn]] void agent_recover(uint64_t stack_pointer);
uint64_t agent_call(uint64_t address);
[[noreturn]] void agent_die(uint32_t vector, uint64_t error_code, uint64_t rip);

// Symbols of the assembly files; only their addresses matter.
void agent_pv_entry();
void agent_pv_secondary();
void agent_pv_event();
void agent_pvh_entry();
void agent_pvh_secondary();
void agent_pvh_event();
void agent_pvh_spurious();
extern uint64_t agent_pvh_l4[512];
extern uint64_t agent_task_descriptors[2 * kVcpusMax];
extern uint8_t agent_entry_stack[kPageBytes];
extern uint8_t agent_image_start[], agent_image_end[], agent_heap_start[], agent_heap_end[];
}

}  // namespace agent
