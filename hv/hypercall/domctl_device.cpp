/// Device memory for other domains. There is none on this machine: what is mapped is an address that nobody answers.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
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

/// 0 when all is done; else how many frames were, when any was: the caller asks again for the rest.
int64_t outcome(uint64_t done, uint64_t wanted, Status status) {
  if (done == wanted) return 0;
  return done != 0 ? static_cast<int64_t>(done) : status.raw();
}

int64_t map_frames(DomainMemory& memory, const xen_domctl_memory_mapping& request) {
  const LockGuard guard(memory.lock);
  Status status = kOk;
  uint64_t done = 0;
  while (done < std::min(request.nr_mfns, kFramesAtOnce)) {
    status = stage2_map_device(memory, Gfn{request.first_gfn + done}, Mfn{request.first_mfn + done});
    if (!status.ok()) break;
    ++done;
  }
  return outcome(done, request.nr_mfns, status);
}

/// EINVAL: one of them did not map this frame; the others are removed all the same.
int64_t unmap_frames(DomainMemory& memory, const xen_domctl_memory_mapping& request) {
  const LockGuard guard(memory.lock);
  Status status = kOk;
  const uint64_t count = std::min(request.nr_mfns, kFramesAtOnce);
  for (uint64_t i = 0; i < count; ++i) {
    const Gfn gfn{request.first_gfn + i};
    const Stage2Entry entry = stage2_lookup(memory, gfn);
    const bool there = entry.device && entry.mfn == Mfn{request.first_mfn + i};
    if (!there || !stage2_forget(memory, gfn)) status = fail(XEN_EINVAL);
  }
  return status.ok() ? outcome(count, request.nr_mfns, status) : status.raw();
}

}  // namespace

int64_t domctl_iomem_permission(Domctl& ctl) {
  const xen_domctl_iomem_permission& request = ctl.op.u.iomem_permission;
  if (wraps(request.first_mfn, request.nr_mfns)) return -XEN_EINVAL;
  const uint64_t last = request.first_mfn + request.nr_mfns - 1;
  if (!is_control(ctl.caller()) || !may_map_device(ctl.caller(), request.first_mfn, last)) return -XEN_EPERM;
  const Status status = request.allow_access != 0 ? permit_device(ctl.target(), request.first_mfn, last)
                                                  : deny_device(ctl.target(), request.first_mfn, last);
  return status.raw();
}

int64_t domctl_memory_mapping(Domctl& ctl) {
  const xen_domctl_memory_mapping& request = ctl.op.u.memory_mapping;
  if (wraps(request.first_mfn, request.nr_mfns) || wraps(request.first_gfn, request.nr_mfns)) return -XEN_EINVAL;
  const uint64_t last = request.first_mfn + request.nr_mfns - 1;
  if (last >> kMachineFrameBits != 0) return -XEN_EINVAL;
  if (!may_emulate_for(ctl.caller(), ctl.target()) || !may_map_device(ctl.caller(), request.first_mfn, last) ||
      (!may_map_device(ctl.target(), request.first_mfn, last) && !fault("domctl.device_map_by_anybody"))) {
    return -XEN_EPERM;
  }
  if (ctl.target().kind != GuestKind::kHvm) return 0;  // a PV64 guest maps it by itself
  const bool add = request.add_mapping == DPCI_ADD_MAPPING;
  return add ? map_frames(ctl.target().memory, request) : unmap_frames(ctl.target().memory, request);
}

}  // namespace hv
