/// Device memory for other domains. There is none on this machine: what is mapped is an address that nobody answers.
#include "hv/base/fault.hpp"
#include "hv/domain/device_memory.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

constexpr uint64_t kFramesAtOnce = 64;
constexpr unsigned kMachineFrameBits = 40;  ///< 52 bits of physical address, the most that x86 has

bool wraps(uint64_t first, uint64_t count) {
  return first + count - 1 < first;
}

Status map_frames(DomainMemory& memory, const xen_domctl_memory_mapping& request) {
  const LockGuard guard(memory.lock);
  for (uint64_t i = 0; i < request.nr_mfns; ++i) {
    const Gfn gfn{request.first_gfn + i};
    const Status status = stage2_map_device(memory, gfn, Mfn{request.first_mfn + i});
    if (status.ok()) continue;
    for (uint64_t k = 0; k < i; ++k) stage2_forget(memory, Gfn{request.first_gfn + k});
    return status;
  }
  return kOk;
}

/// EINVAL: one of them did not map this frame; the others are removed all the same.
Status unmap_frames(DomainMemory& memory, const xen_domctl_memory_mapping& request) {
  const LockGuard guard(memory.lock);
  Status status = kOk;
  for (uint64_t i = 0; i < request.nr_mfns; ++i) {
    const Gfn gfn{request.first_gfn + i};
    const Stage2Entry entry = stage2_lookup(memory, gfn);
    const bool there = entry.device && entry.mfn == Mfn{request.first_mfn + i};
    if (!there || !stage2_forget(memory, gfn)) status = fail(XEN_EINVAL);
  }
  return status;
}

}  // namespace

int64_t domctl_iomem_permission(Domctl& ctl) {
  const xen_domctl_iomem_permission& request = ctl.op.u.iomem_permission;
  if (wraps(request.first_mfn, request.nr_mfns)) return -XEN_EINVAL;
  const uint64_t last = request.first_mfn + request.nr_mfns - 1;
  if (!may_map_device(ctl.caller(), request.first_mfn, last)) return -XEN_EPERM;
  const Status status = request.allow_access != 0 ? permit_device(ctl.target(), request.first_mfn, last)
                                                  : deny_device(ctl.target(), request.first_mfn, last);
  return status.raw();
}

int64_t domctl_memory_mapping(Domctl& ctl) {
  const xen_domctl_memory_mapping& request = ctl.op.u.memory_mapping;
  if (wraps(request.first_mfn, request.nr_mfns) || wraps(request.first_gfn, request.nr_mfns)) return -XEN_EINVAL;
  const uint64_t last = request.first_mfn + request.nr_mfns - 1;
  if (last >> kMachineFrameBits != 0) return -XEN_EINVAL;
  if (request.nr_mfns > kFramesAtOnce) return -XEN_E2BIG;
  if (!may_map_device(ctl.caller(), request.first_mfn, last) ||
      (!may_map_device(ctl.target(), request.first_mfn, last) && !fault("domctl.device_map_by_anybody"))) {
    return -XEN_EPERM;
  }
  if (ctl.target().kind != GuestKind::kHvm) return 0;  // a PV64 guest maps it by itself
  const bool add = request.add_mapping == DPCI_ADD_MAPPING;
  return (add ? map_frames(ctl.target().memory, request) : unmap_frames(ctl.target().memory, request)).raw();
}

}  // namespace hv
