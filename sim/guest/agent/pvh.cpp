/// What a PVH guest has to set up before it can serve.
#include "sim/guest/agent/agent.hpp"
#include "sim/guest/agent/execute.hpp"

namespace agent {

namespace {

constexpr uint32_t kXenCpuidBase = 0x40000000;
constexpr uint32_t kXenCpuidStep = 0x100;
constexpr uint32_t kXenCpuidEnd = 0x40010000;
constexpr uint32_t kSignatureXenV = 0x566e6558;  // "XenV"
constexpr uint32_t kSignatureAuth = 0x68747541;  // "Auth", of AuthenticAMD
constexpr uint32_t kSignatureHygo = 0x6f677948;  // "Hygo", of HygonGenuine
constexpr uint16_t kCodeSelector = 8;
constexpr uint8_t kInterruptGate = 0x8e;
constexpr uint8_t kFromRing3 = 0x60;
constexpr uint64_t kGateStride = 16;
/// HVM_PARAM_CALLBACK_IRQ: bits 63..56 say how events arrive; 2 = by a vector.
constexpr uint64_t kCallbackByVector = 2ull << 56;

struct Gate {
  uint16_t offset_low, selector;
  uint8_t stack_table, type;
  uint16_t offset_middle;
  uint32_t offset_high, reserved;
};

struct [[gnu::packed]] TablePointer {
  uint16_t limit;
  uint64_t base;
};

Gate gates[256];

/// What the processor looks up when ring 3 is left: the stack of ring 0. One vCPU at a time does (ASSAY_OP_EXECUTE).
struct [[gnu::packed]] TaskState {
  uint32_t reserved0;
  uint64_t stacks[3];
  uint8_t others[74];
  uint16_t permissions;
};
TaskState task_state;
constexpr uint16_t kTaskSelector = 0x30;  ///< of the first vCPU; see the descriptor table in entry_pvh.S
constexpr uint64_t kTaskAvailable = 0x89ull << 40;

struct CpuidAnswer {
  uint32_t a, b, c, d;
};

CpuidAnswer cpuid(uint32_t leaf) {
  CpuidAnswer answer{};
  asm volatile("cpuid" : "=a"(answer.a), "=b"(answer.b), "=c"(answer.c), "=d"(answer.d) : "a"(leaf), "c"(0));
  return answer;
}

void set_gate(uint32_t vector, uint64_t handler) {
  Gate& gate = gates[vector];
  gate.offset_low = static_cast<uint16_t>(handler);
  gate.offset_middle = static_cast<uint16_t>(handler >> 16);
  gate.offset_high = static_cast<uint32_t>(handler >> 32);
  gate.selector = kCodeSelector;
  gate.type = kInterruptGate;
}

void fill_gates() {
  for (uint32_t vector = 0; vector < 32; ++vector) set_gate(vector, address_of(agent_entries) + vector * kGateStride);
  for (uint32_t vector = 32; vector < 256; ++vector) set_gate(vector, reinterpret_cast<uint64_t>(agent_pvh_spurious));
  set_gate(kPvhVector, reinterpret_cast<uint64_t>(agent_pvh_event));
  set_gate(ASSAY_LANDING_VECTOR, address_of(agent_entries) + ASSAY_ENTRY_USER_LANDING * kGateStride);
  gates[ASSAY_LANDING_VECTOR].type |= kFromRing3;
}

void load_gates() {
  const TablePointer pointer{sizeof(gates) - 1, address_of(gates)};
  asm volatile("lidt %0" ::"m"(pointer));
}

void load_task(uint32_t id) {
  task_state.stacks[0] = address_of(agent_entry_stack) + kPageBytes;
  task_state.permissions = sizeof task_state;
  const uint64_t base = address_of(&task_state);
  uint64_t* descriptor = agent_task_descriptors + 2ull * id;
  descriptor[0] = (sizeof task_state - 1) | (base & 0xffffff) << 16 | kTaskAvailable | (base >> 24 & 0xff) << 56;
  descriptor[1] = base >> 32;
  asm volatile("ltr %0" ::"r"(static_cast<uint16_t>(kTaskSelector + id * 16)) : "memory");
}

// The MSR that fills the hypercall page is named by the third leaf of the hypervisor. Source: public/arch-x86/cpuid.h.
void install_hypercall_page() {
  for (uint32_t base = kXenCpuidBase; base < kXenCpuidEnd; base += kXenCpuidStep) {
    if (cpuid(base).b != kSignatureXenV) continue;
    const uint64_t where = address_of(hypercall_page) - kVirtBase;
    asm volatile("wrmsr" ::"c"(cpuid(base + 2).b), "a"(static_cast<uint32_t>(where)),
                 "d"(static_cast<uint32_t>(where >> 32))
                 : "memory");
    return;
  }
}

void map_shared_info() {
  xen_add_to_physmap add{};
  add.domid = DOMID_SELF;
  add.space = XENMAPSPACE_shared_info;
  add.gpfn = frame_of(address_of(&agent_shared_info_page));
  hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, address_of(&add));
}

void set_callback_vector() {
  xen_hvm_param param{};
  param.domid = DOMID_SELF;
  param.index = HVM_PARAM_CALLBACK_IRQ;
  param.value = kCallbackByVector | kPvhVector;
  hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, address_of(&param));
}

}  // namespace

extern "C" {

[[noreturn]] void agent_pvh_main(uint64_t start_info_physical) {
  is_pvh = true;
  const uint32_t vendor = cpuid(0).b;
  is_amd = vendor == kSignatureAuth || vendor == kSignatureHygo;
  fill_gates();
  load_gates();
  load_task(0);
  install_hypercall_page();
  map_shared_info();
  set_callback_vector();
  init_state(states[0], 0);
  serve(states[0], kVirtBase + start_info_physical);
}

[[noreturn]] void agent_pvh_secondary_main(uint32_t id) {
  load_gates();
  load_task(id % kVcpusMax);
  init_state(states[id % kVcpusMax], id % kVcpusMax);
  serve(states[id % kVcpusMax], 0);
}
}

}  // namespace agent
