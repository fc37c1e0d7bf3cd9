#include "conformance/guest/memory_places.hpp"

#include "conformance/guest/pv_mapping.hpp"

namespace assay {

OneExtent one_extent(Gva at, uint64_t extent, DomId dom) {
  OneExtent made{.reservation = {}, .extent = extent};
  set_handle(made.reservation.extent_start, at + offsetof(OneExtent, extent));
  made.reservation.nr_extents = 1;
  made.reservation.domid = dom.raw();
  return made;
}

MemoryPlaces::MemoryPlaces(CaseContext& c) : c_(&c), vcpu_(&c.vcpu()), ops_(c.vcpu()), control_(c.dom0().vcpu(0)) {
  Domain& domain = vcpu_->domain();
  for (uint32_t i = 0; i < kPlaces; ++i) {
    pages_.push_back(domain.alloc_pages(1));
    pfns_.push_back(domain.pfn_of(pages_.back()));
    frames_.push_back(domain.gfn_of(pages_.back()).raw());
  }
}

uint64_t MemoryPlaces::extent(uint32_t place) const {
  return is_pv() ? frames_.at(place) : pfns_.at(place).raw();
}

xen_add_to_physmap_t MemoryPlaces::physmap_request(unsigned space, uint64_t index, uint32_t place) const {
  xen_add_to_physmap_t made{};
  made.domid = vcpu_->domain().id().raw();
  made.space = space;
  made.idx = index;
  made.gpfn = pfn(place);
  return made;
}

xen_remove_from_physmap_t MemoryPlaces::remove_request(uint32_t place) const {
  xen_remove_from_physmap_t made{};
  made.domid = vcpu_->domain().id().raw();
  made.gpfn = pfn(place);
  return made;
}

xen_domctl_t MemoryPlaces::limit_request(uint64_t pages) const {
  xen_domctl_t made = DomctlOps::request(XEN_DOMCTL_max_mem, vcpu_->domain().id());
  made.u.max_mem.max_memkb = pages * (kPageSize / 1024);
  return made;
}

void MemoryPlaces::hide(uint32_t place) {
  c_->require_eq(update_mapping(*vcpu_, pages_.at(place), 0), 0, "unmapping a place");
}

void MemoryPlaces::show(uint32_t place, uint64_t frame) {
  frames_.at(place) = frame;
  const uint64_t entry = frame == kNowhere ? 0 : frame << kPageShift | kMapped;
  c_->require_eq(update_mapping(*vcpu_, pages_.at(place), entry), 0, "mapping a place");
}

int64_t MemoryPlaces::populate(std::span<const uint32_t> places) {
  Reservation in;
  for (const uint32_t place : places) in.extents.push_back(pfns_.at(place).raw());
  const ReservationResult result = ops_.populate_physmap(in);
  for (size_t i = 0; is_pv() && std::cmp_less(i, result.done); ++i) show(places[i], result.extents[i]);
  return result.done;
}

int64_t MemoryPlaces::decrease(std::span<const uint32_t> places) {
  Reservation in;
  for (const uint32_t place : places) {
    in.extents.push_back(extent(place));
    if (is_pv()) hide(place);
  }
  const int64_t done = ops_.decrease_reservation(in).done;
  for (size_t i = 0; is_pv() && i < places.size(); ++i) {
    show(places[i], std::cmp_less(i, done) ? kNowhere : frames_.at(places[i]));
  }
  return done;
}

int64_t MemoryPlaces::increase(uint64_t count) {
  return ops_.increase_reservation({.null_list = true, .count = count}).done;
}

ExchangeResult MemoryPlaces::exchange(std::span<const uint32_t> places) {
  Exchange in;
  for (const uint32_t place : places) {
    in.in.extents.push_back(extent(place));
    in.out.extents.push_back(pfns_.at(place).raw());
    hide(place);
  }
  ExchangeResult result = ops_.exchange(in);
  for (size_t i = 0; i < places.size(); ++i) show(places[i], i < result.done ? result.out[i] : frames_.at(places[i]));
  return result;
}

uint64_t MemoryPlaces::word(uint32_t place) {
  uint64_t word = 0;
  return vcpu_->read_bytes(pages_.at(place), std::as_writable_bytes(std::span(&word, 1))) ? ~uint64_t{0} : word;
}

bool MemoryPlaces::write(uint32_t place, uint64_t value) {
  return !vcpu_->write_bytes(pages_.at(place), std::as_bytes(std::span(&value, 1)));
}

}  // namespace assay
