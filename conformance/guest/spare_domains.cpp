#include "conformance/guest/spare_domains.hpp"

#include <algorithm>

#include "conformance/guest/wait.hpp"

namespace assay {

SpareDomains::SpareDomains(CaseContext& c)
    : c_(&c), control_(c.dom0().vcpu(0)), memory_(c.dom0().vcpu(0)), system_(c.dom0().vcpu(0)) {
  for (const bool pvh : {false, true}) {
    c.require_eq(create(0, pvh), 0, "making a domain");
    c.require_eq(destroy(0), 0, "destroying it");
  }
}

int64_t SpareDomains::create(uint32_t slot, bool pvh) {
  xen_domctl_t request = pvh ? empty_pvh_domain() : empty_domain();
  request.domain = id(slot).raw();
  request.u.createdomain.max_vcpus = kVcpus;
  const int64_t result = control_.call(request).result;
  if (result != 0) return result;
  allow_memory(*c_, control_, id(slot), kFirstLimit);
  is_pvh_.at(slot) = pvh;
  frames_.at(slot).clear();
  return 0;
}

int64_t SpareDomains::destroy(uint32_t slot) {
  const int64_t result = control_.call(XEN_DOMCTL_destroydomain, id(slot)).result;
  if (result == 0) wait_until_gone(*c_, control_, id(slot));
  return result;
}

int64_t SpareDomains::set_handle(uint32_t slot, uint8_t byte) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setdomainhandle, id(slot));
  std::ranges::fill(request.u.setdomainhandle.handle, byte);
  return control_.call(request).result;
}

int64_t SpareDomains::populate(uint32_t slot, uint32_t pfn, uint32_t count) {
  Reservation in{.dom = id(slot)};
  for (uint32_t i = 0; i < count; ++i) in.extents.push_back(pfn + i);
  const ReservationResult result = memory_.populate_physmap(in);
  for (uint32_t i = 0; !is_pvh_.at(slot) && std::cmp_less(i, result.done); ++i) {
    frames_.at(slot)[pfn + i] = result.extents[i];
  }
  return result.done;
}

int64_t SpareDomains::decrease(uint32_t slot, uint32_t pfn, uint32_t count) {
  constexpr uint64_t kNowhere = 0xfffff0;
  auto& frames = frames_.at(slot);
  Reservation in{.dom = id(slot)};
  for (uint32_t i = 0; i < count; ++i) {
    const auto found = frames.find(pfn + i);
    const uint64_t frame = found == frames.end() ? kNowhere : found->second;
    in.extents.push_back(is_pvh_.at(slot) ? pfn + i : frame);
  }
  const int64_t done = memory_.decrease_reservation(in).done;
  for (uint32_t i = 0; std::cmp_less(i, done); ++i) frames.erase(pfn + i);
  return done;
}

PortResult SpareDomains::alloc_unbound(uint32_t slot) {
  return EventChannels(c_->dom0().vcpu(0)).alloc_unbound(DomId{0}, id(slot));
}

uint64_t SpareDomains::free_pages(uint64_t expected) {
  uint64_t pages = 0;
  wait_until(*c_, [&] {
    pages = system_.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.free_pages;
    return pages >= expected;
  });
  return pages;
}

}  // namespace assay
