/// What a PV64 guest has to set up before it can serve.
#include "sim/guest/agent/agent.hpp"
#include "sim/guest/agent/bridge.hpp"
#include "sim/guest/agent/bridge_messages.h"
#include "sim/guest/agent/execute.hpp"

namespace agent {

namespace {

constexpr uint64_t kPteAttributes = 0x67;  // present, writable, user, accessed, dirty
constexpr uint32_t kTraps = 32;
constexpr uint64_t kTrapStride = 16;
/// #BP and #OF are raised by instructions of the guest itself; everything else by the processor alone.
constexpr uint8_t kAnyPrivilege = 3;

const start_info* pv_start_info;

void set_traps() {
  trap_info table[kTraps + 1] = {};
  for (uint32_t vector = 0; vector < kTraps; ++vector) {
    table[vector].vector = static_cast<uint8_t>(vector);
    table[vector].flags = vector == 3 || vector == 4 ? kAnyPrivilege : 0;
    table[vector].cs = FLAT_KERNEL_CS;
    table[vector].address = address_of(agent_entries) + vector * kTrapStride;
  }
  table[ASSAY_LANDING_VECTOR].address = address_of(agent_entries) + ASSAY_ENTRY_USER_LANDING * kTrapStride;
  hypercall(__HYPERVISOR_set_trap_table, address_of(table));
}

void set_callback(uint16_t type, uint64_t handler) {
  callback_register entry{};
  entry.type = type;
  entry.address = handler;
  hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, address_of(&entry));
}

void init_vcpu(uint32_t id) {
  init_state(states[id], id);
  agent_boot_records[id].upcall_mask = states[id].info->evtchn_upcall_mask;
  states[id].info->evtchn_upcall_mask = 1;
  set_traps();
  set_callback(CALLBACKTYPE_event, reinterpret_cast<uint64_t>(agent_pv_event));
  set_callback(CALLBACKTYPE_failsafe, address_of(agent_entries) + ASSAY_ENTRY_FAILSAFE * kTrapStride);
}

}  // namespace

uint64_t frame_of(uint64_t va) {
  const uint64_t pfn = (va - kVirtBase) / kPageBytes;
  return is_pvh ? pfn : reinterpret_cast<const uint64_t*>(pv_start_info->mfn_list)[pfn];
}

uint64_t va_of_frame(uint64_t frame) {
  const uint64_t pfn = is_pvh ? frame : machine_to_phys_mapping[frame];
  return kVirtBase + pfn * kPageBytes;
}

extern "C" {

[[noreturn]] void agent_pv_main(const start_info* info) {
  pv_start_info = info;
  hypercall(__HYPERVISOR_update_va_mapping, address_of(&agent_shared_info_page), info->shared_info | kPteAttributes,
            UVMF_INVLPG);
  init_vcpu(0);
  if (bridge_wanted(reinterpret_cast<const char*>(info->cmd_line))) start_bridge(*info);
  serve(states[0], address_of(info));
}

[[noreturn]] void agent_pv_secondary_main(uint32_t id) {
  init_vcpu(id % kVcpusMax);
  if (id == ASSAY_BRIDGE_VCPU && bridge_wanted(reinterpret_cast<const char*>(pv_start_info->cmd_line))) {
    serve_bridge(states[id]);
  }
  serve(states[id % kVcpusMax], 0);
}
}

}  // namespace agent
