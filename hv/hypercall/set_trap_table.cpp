/// Hypercall 0: the virtual IDT of the calling vCPU. Source: public/arch-x86/xen.h, trap_info.
#include <algorithm>
#include <iterator>

#include "hv/base/fault.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

/// Entries are installed in order up to one with address 0; those before a failing one stay. Null clears the table.
/// Errors of an entry, in order: EFAULT; EINVAL address not canonical.
int64_t do_set_trap_table(Call& call) {
  auto& traps = call.vcpu.pv->traps;
  Gva from = call.pointer(0);
  if (from == Gva{}) {
    std::fill(std::begin(traps), std::end(traps), PvState::Trap{});
    return 0;
  }
  for (;;) {
    if (call.preempt_needed()) return call.continue_with({from.raw()});
    trap_info_t entry;
    if (!read_guest(call.space(), entry, from)) return -XEN_EFAULT;
    if (entry.address == 0) return 0;
    if (!canonical(entry.address) && !fault("pv.trap_not_canonical")) return -XEN_EINVAL;
    // The guest kernel runs in ring 3.
    traps[entry.vector] = {entry.address, static_cast<uint16_t>(entry.cs | 3u), entry.flags};
    from = Gva{from.raw() + sizeof entry};
  }
}

}  // namespace hv
