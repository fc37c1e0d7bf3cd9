/// Hypercalls 2 and 10: the GDT of a PV64 vCPU, and one descriptor of a table. Source: public/xen.h,
/// __HYPERVISOR_set_gdt and __HYPERVISOR_update_descriptor.
#include <array>

#include "hv/domain/pv_roots.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/mm/descriptors.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

constexpr uint64_t kEntriesMax = FIRST_RESERVED_GDT_ENTRY;

/// A frame that descriptors are stored to: as what it is in use, a descriptor table or ordinary memory.
Status get_for_descriptor(Mfn mfn) {
  const bool is_table = frame_info(mfn).type == PageType::kSegDesc;
  return get_page_type(mfn, is_table ? PageType::kSegDesc : PageType::kWritable);
}

}  // namespace

/// Errors, in order: EINVAL too many entries; EFAULT; EINVAL a frame that is not the domain's or cannot be a descriptor
/// table. On error the old table stays in force. No entries: no table.
int64_t do_set_gdt(Call& call) {
  const auto entries = static_cast<uint32_t>(call.arg[1]);
  if (entries > kEntriesMax) return -XEN_EINVAL;
  std::array<uint64_t, std::size(PvState{}.gdt_frames)> frames{};
  const uint64_t bytes = gdt_frame_count(entries) * sizeof(uint64_t);
  if (bytes != 0 && !copy_from_guest(call.space(), frames.data(), call.pointer(0), bytes)) return -XEN_EFAULT;
  const LockGuard guard(call.domain().memory.lock);
  return replace_pv_gdt(call.vcpu, frames.data(), entries).raw();
}

/// EINVAL: not aligned; a descriptor that is refused; a frame that is not the domain's, or in use as a page table.
int64_t do_update_descriptor(Call& call) {
  uint64_t descriptor = call.arg[1];
  if (call.arg[0] % sizeof descriptor != 0 || !fix_descriptor(descriptor)) return -XEN_EINVAL;
  const Result<Mfn> mfn = get_page_from_gfn(call.domain().memory, Gfn{call.arg[0] >> kPageShift});
  if (!mfn.ok()) return -XEN_EINVAL;
  const LockGuard guard(call.domain().memory.lock);
  if (!get_for_descriptor(*mfn).ok()) {
    put_page(*mfn);
    return -XEN_EINVAL;
  }
  auto* table = reinterpret_cast<uint64_t*>(frame_bytes(*mfn));
  table[call.arg[0] % kPageSize / sizeof descriptor] = descriptor;
  put_page_and_type(*mfn);
  return 0;
}

}  // namespace hv
