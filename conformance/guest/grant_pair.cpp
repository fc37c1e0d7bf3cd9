#include "conformance/guest/grant_pair.hpp"

#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {

GrantWindow grant_window(CaseContext& c, Vcpu& mapper) {
  Domain& domain = mapper.domain();
  const Gva va = domain.alloc_pages(1);
  if (domain.type() == GuestType::kPv64) {
    c.require_eq(update_mapping(mapper, va, 0), 0, "unmapping a page of the heap");
    return {va, va.raw()};
  }
  const Pfn pfn = domain.pfn_of(va);
  c.require_eq(MemoryOps(mapper).decrease_reservation({.extents = {pfn.raw()}}).done, 1, "making a hole in the heap");
  return {va, pfn.raw() << kPageShift};
}

bool nothing_there(Vcpu& mapper, const GrantWindow& window) {
  uint64_t word = 0;
  if (mapper.read_bytes(window.va, std::as_writable_bytes(std::span(&word, 1)))) return true;
  return mapper.domain().type() == GuestType::kPvh && word == ~uint64_t{0};
}

grant_handle_t must_map(CaseContext& c, GrantOps& ops, const GrantMap& in) {
  const auto done = ops.map(in);
  c.require_eq(done.result, 0, "mapping a grant: result");
  c.require_eq(done.arg.status, GNTST_okay, "mapping a grant: status");
  return done.arg.handle;
}

void must_unmap(CaseContext& c, GrantOps& ops, grant_handle_t handle, const GrantWindow& window) {
  check_status(c, ops.unmap(handle, window.host_addr), GNTST_okay, "unmapping a grant");
}

GrantPair::GrantPair(CaseContext& context, uint32_t version)
    : GrantPair(context, context.vcpu(), context.peer().vcpu(0), version) {}

GrantPair::GrantPair(CaseContext& context, Vcpu& mapping, Vcpu& granting, uint32_t version)
    : c(context),
      mapper(mapping),
      granter(granting),
      ops(mapping),
      table(context, granting),
      page(granting.domain().alloc_pages(1)),
      frame(granting.domain().gfn_of(page)) {
  if (version != table.version()) table.switch_to(version);
  granter.write(page, kGrantedWord);
}

GrantPair::Mapped GrantPair::map(uint32_t flags) {
  const GrantWindow at = window();
  return {at, must_map(c, ops, request(at.host_addr, flags))};
}

}  // namespace assay
