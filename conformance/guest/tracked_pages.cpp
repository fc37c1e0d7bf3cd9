#include "conformance/guest/tracked_pages.hpp"

#include <span>

namespace assay {

TrackedPages::TrackedPages(CaseContext& c)
    : ops(c.dom0().vcpu(0), c.guest().id()),
      owner_(&c.vcpu()),
      other_(&c.peer().vcpu(0)),
      dom0_(&c.dom0().vcpu(0)),
      memory_(*owner_),
      table_(c, *owner_),
      other_ops_(*other_),
      other_page_(c.peer().alloc_pages(1)),
      bitmap_(c.dom0().alloc_pages(kManyBits / 8 / kPageSize)),
      argument_(*dom0_),
      upcall_(c, *dom0_) {
  for (uint32_t i = 0; i < kPages; ++i) {
    pages_[i] = c.guest().alloc_pages(1);
    pfns_[i] = c.guest().pfn_of(pages_[i]);
    table_.permit(ref(i), c.peer().id(), c.guest().gfn_of(pages_[i]));
    windows_.push_back(grant_window(c, *other_));
  }
}

uint64_t TrackedPages::word(uint32_t page) {
  uint64_t word = 0;
  return owner_->read_bytes(pages_.at(page), std::as_writable_bytes(std::span(&word, 1))) ? ~uint64_t{0} : word;
}

int16_t TrackedPages::copy_into(uint32_t page, uint64_t value) {
  other_->write(other_page_, value);
  const CopySide own = by_frame(other_->domain().gfn_of(other_page_));
  return other_ops_.copy(copy_request(own, by_ref(ref(page), table_.dom()), sizeof value)).arg.status;
}

int16_t TrackedPages::copy_from(uint32_t page) {
  const CopySide own = by_frame(other_->domain().gfn_of(other_page_));
  return other_ops_.copy(copy_request(by_ref(ref(page), table_.dom()), own, sizeof(uint64_t))).arg.status;
}

int16_t TrackedPages::map(uint32_t page, bool is_readonly) {
  const uint32_t flags = GNTMAP_host_map | (is_readonly ? GNTMAP_readonly : 0);
  const auto done = other_ops_.map({windows_.at(page).host_addr, ref(page), table_.dom(), flags});
  handles_.at(page) = done.arg.handle;
  return done.arg.status;
}

int16_t TrackedPages::unmap(uint32_t page) {
  return other_ops_.unmap(handles_.at(page), windows_.at(page).host_addr).arg.status;
}

bool TrackedPages::begin(uint32_t operation) {
  argument_.put(ops.request(operation, 0, kManyBits, bitmap_));
  at_ = upcall_.call(__HYPERVISOR_domctl, argument_.va().raw());
  return at_.was_preempted;
}

DirtyPages TrackedPages::go_on() {
  const int64_t result = dom0_->hypercall(at_.next_number, {at_.next_argument});
  const xen_domctl_shadow_op op = argument_.get().u.shadow_op;
  DirtyPages got{result, op.pages, op.stats, std::vector<uint8_t>(kPageSize)};
  if (dom0_->read_bytes(bitmap_, std::as_writable_bytes(std::span(got.bitmap)))) {
    throw HarnessFault("cannot read the bitmap");
  }
  return got;
}

int64_t TrackedPages::go_on_as(uint32_t operation) {
  const xen_domctl_t begun = argument_.get();
  xen_domctl_t changed = begun;
  changed.u.shadow_op.op = operation;
  argument_.put(changed);
  const int64_t result = dom0_->hypercall(at_.next_number, {at_.next_argument});
  argument_.put(begun);
  return result;
}

}  // namespace assay
