#include "sim/toolstack/migration/guest_suspension.hpp"

#include <cstring>

#include "sim/abi/page_entry.hpp"
#include "sim/abi/xen.hpp"
#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

namespace {

/// What the agent itself maps shared_info with.
constexpr uint64_t kSharedInfoEntry = kLeafRw | kPteUser;

uint64_t mfn_at(Domain& guest, Gva va) {
  return guest.gfn_of(va).raw();
}

void map_shared_info(Domain& guest, uint64_t mfn) {
  const uint64_t entry = mfn << kPageShift | kSharedInfoEntry;
  const int64_t result = guest.vcpu(0).hypercall(__HYPERVISOR_update_va_mapping,
                                                 {guest.shared_info().raw(), entry, UVMF_INVLPG | UVMF_ALL});
  toolstack::must(result, "update_va_mapping of shared_info in domain " + std::to_string(guest.id().raw()));
}

/// Upcalls are held in a page that stands in for shared_info, as the agent looks at their mask.
void hold_upcalls(Domain& guest) {
  for (uint32_t vcpu = 0; vcpu < guest.vcpu_count(); ++vcpu) {
    constexpr uint8_t kHeld = 1;
    guest.vcpu(0).write(guest.vcpu_info(vcpu) + offsetof(::vcpu_info, evtchn_upcall_mask), kHeld);
  }
}

void announce_p2m(Domain& guest) {
  Vcpu& vcpu = guest.vcpu(0);
  const Gva arch = guest.shared_info() + offsetof(shared_info, arch);
  const auto info = vcpu.read<start_info>(guest.space().start_info);
  auto fields = vcpu.read<arch_shared_info>(arch);
  fields.max_pfn = guest.space().pages;
  fields.p2m_vaddr = guest.space().p2m.raw();
  fields.p2m_cr3 = xen_pfn_to_cr3(mfn_at(guest, Gva{info.pt_base}));
  fields.p2m_generation = 0;
  vcpu.write(arch, fields);
}

/// As the agent does it when it starts.
void set_up_pvh(Domain& guest) {
  Vcpu& vcpu = guest.vcpu(0);
  const Gva argument = guest.alloc_pages(1);
  xen_add_to_physmap add;
  std::memset(&add, 0, sizeof add);
  add.domid = DOMID_SELF;
  add.space = XENMAPSPACE_shared_info;
  add.gpfn = guest.pfn_of(guest.shared_info()).raw();
  vcpu.write(argument, add);
  toolstack::must(vcpu.hypercall(__HYPERVISOR_memory_op, {XENMEM_add_to_physmap, argument.raw()}),
                  "add_to_physmap of shared_info");
  constexpr uint64_t kByVector = 2;
  xen_hvm_param param;
  std::memset(&param, 0, sizeof param);
  param.domid = DOMID_SELF;
  param.index = HVM_PARAM_CALLBACK_IRQ;
  param.value = kByVector << 56 | guest.space().layout.pvh_vector;
  vcpu.write(argument, param);
  toolstack::must(vcpu.hypercall(__HYPERVISOR_hvm_op, {HVMOP_set_param, argument.raw()}), "set_param of the callback");
}

}  // namespace

void suspend_guest(Domain& guest) {
  Vcpu& vcpu = guest.vcpu(0);
  const Gva argument = guest.alloc_pages(1);
  vcpu.write(argument, sched_shutdown{SHUTDOWN_suspend});
  uint64_t start_info_mfn = 0;
  if (guest.type() == GuestType::kPv64) {
    announce_p2m(guest);
    // The page of the image that was given up for it is behind that address in the p2m list all the time.
    map_shared_info(guest, mfn_at(guest, guest.shared_info()));
    hold_upcalls(guest);
    start_info_mfn = mfn_at(guest, guest.space().start_info);
  }
  vcpu.start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_shutdown, argument.raw(), start_info_mfn});
}

Woken wake_guest(Domain& guest, uint64_t timeout_ns) {
  const std::optional<int64_t> result = guest.vcpu(0).finish_hypercall(timeout_ns);
  if (!result) return Woken::kNotYet;
  toolstack::must(*result, "sched_op shutdown(suspend) in domain " + std::to_string(guest.id().raw()));
  const bool is_restored = *result == 0;
  if (guest.type() == GuestType::kPv64) {
    const auto info = guest.vcpu(0).read<start_info>(guest.space().start_info);
    map_shared_info(guest, info.shared_info >> kPageShift);
  } else if (is_restored) {
    set_up_pvh(guest);
  }
  return is_restored ? Woken::kRestored : Woken::kCancelled;
}

}  // namespace assay::migration
