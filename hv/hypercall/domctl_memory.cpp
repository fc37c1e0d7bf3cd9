/// Limits, sizes and frames of a domain.
#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "hv/base/fault.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/mm/hypercall_page.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

uint64_t table_type_bits(PageType type) {
  switch (type) {
    case PageType::kL1:
      return XEN_DOMCTL_PFINFO_L1TAB;
    case PageType::kL2:
      return XEN_DOMCTL_PFINFO_L2TAB;
    case PageType::kL3:
      return XEN_DOMCTL_PFINFO_L3TAB;
    case PageType::kL4:
      return XEN_DOMCTL_PFINFO_L4TAB;
    default:
      return XEN_DOMCTL_PFINFO_NOTAB;
  }
}

uint64_t describe_frame(DomainMemory& memory, Gfn gfn) {
  const Result<Mfn> mfn = get_page_from_gfn(memory, gfn);
  if (!mfn.ok()) return XEN_DOMCTL_PFINFO_XTAB;
  const FrameInfo& info = frame_info(*mfn);
  uint64_t bits = XEN_DOMCTL_PFINFO_XTAB;
  if (info.state != FrameState::kShared) {
    bits = info.type_refs != 0 ? table_type_bits(info.type) : uint64_t{XEN_DOMCTL_PFINFO_NOTAB};
    if (info.pinned) bits |= XEN_DOMCTL_PFINFO_LPINTAB;
  }
  if (!fault("domctl.frame_info_leaks")) put_page(*mfn);
  return bits;
}

constexpr uint64_t kPartFrames = kPageSize / sizeof(xen_pfn_t);

/// Frame numbers from this address on that lie in its page; one, if that begins here and ends in the next page.
uint64_t whole_in_page(Gva at) {
  return std::max<uint64_t>((kPageSize - at.raw() % kPageSize) / sizeof(xen_pfn_t), 1);
}

}  // namespace

int64_t domctl_max_mem(Domctl& ctl) {
  const uint64_t pages = ctl.op.u.max_mem.max_memkb >> (kPageShift - 10);
  // Usage above the new limit is no error: nothing more is handed out until it has dropped.
  const uint64_t most = std::numeric_limits<uint32_t>::max();
  ctl.target().memory.max_pages = fault("domctl.max_mem_wraps") ? pages & most : std::min<uint64_t>(pages, most);
  return 0;
}

int64_t domctl_set_address_size(Domctl& ctl) {
  if (ctl.target().kind == GuestKind::kHvm) return -XEN_EOPNOTSUPP;
  switch (ctl.op.u.address_size.size) {
    case 64:
      return 0;
    case 32:
      return -XEN_EOPNOTSUPP;  // no 32-bit PV guests
    default:
      return -XEN_EINVAL;
  }
}

int64_t domctl_get_address_size(Domctl& ctl) {
  if (ctl.target().kind == GuestKind::kHvm) return -XEN_EOPNOTSUPP;
  ctl.op.u.address_size.size = 64;
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_set_paging_mempool_size(Domctl& ctl) {
  return set_paging_pool_bytes(ctl.target().memory, ctl.op.u.paging_mempool.size).raw();
}

int64_t domctl_get_paging_mempool_size(Domctl& ctl) {
  const Result<uint64_t> bytes = paging_pool_bytes(ctl.target().memory);
  if (!bytes.ok()) return bytes.status().raw();
  ctl.op.u.paging_mempool.size = *bytes;
  ctl.copy_back = true;
  return 0;
}

int64_t domctl_hypercall_init(Domctl& ctl) {
  const Result<Mfn> mfn = get_page_from_gfn(ctl.target().memory, Gfn{ctl.op.u.hypercall_init.gmfn});
  if (!mfn.ok()) return -XEN_EINVAL;
  const bool writable = get_page_type(*mfn, PageType::kWritable).ok();
  if (writable) {
    fill_hypercall_page(ctl.target().kind, *mfn);
    put_page_type(*mfn);
  }
  put_page(*mfn);
  return writable ? 0 : -XEN_EPERM;
}

/// Page by page of the list, so that it is known up to the first one that cannot be reached.
int64_t domctl_getpageframeinfo3(Domctl& ctl) {
  constexpr uint64_t kFramesMax = 1024;
  const xen_domctl_getpageframeinfo3& list = ctl.op.u.getpageframeinfo3;
  if (list.num > kFramesMax) return -XEN_E2BIG;
  const Gva array = handle_address(list.array);
  std::array<xen_pfn_t, kPartFrames> part;
  for (uint64_t done = 0; done < list.num;) {
    const Gva at{array.raw() + done * sizeof(xen_pfn_t)};
    const uint64_t count = std::min(list.num - done, whole_in_page(at));
    const uint64_t bytes = count * sizeof(xen_pfn_t);
    if (!copy_from_guest(ctl.call.space(), part.data(), at, bytes)) return -XEN_EFAULT;
    for (xen_pfn_t& frame : std::span(part).first(count)) frame = describe_frame(ctl.target().memory, Gfn{frame});
    if (!copy_to_guest(ctl.call.space(), at, part.data(), bytes)) return -XEN_EFAULT;
    done += count;
  }
  return 0;
}

}  // namespace hv
