#include "conformance/guest/page_frames.hpp"

#include <span>

namespace assay {
namespace {

constexpr Gfn kVideoMemory{0xa0};
constexpr uint64_t kDescriptorsOf = kPageSize / sizeof(uint64_t);  ///< a frame

Page copy_of(Vcpu& vcpu, const Page& page) {
  std::array<std::byte, kPageSize> bytes{};
  const Page copy = heap_page(vcpu);
  if (vcpu.read_bytes(page.va, bytes) || vcpu.write_bytes(copy.va, bytes)) throw HarnessFault("cannot copy a page");
  if (remap(vcpu, copy, kLeafRo) != 0) throw HarnessFault("cannot make a page read-only");
  return copy;
}

}  // namespace

PageFrames::PageFrames(CaseContext& c) : vcpu_(&c.vcpu()), ops_(c.vcpu()), memory_(c.vcpu()), list_(c.vcpu()) {
  Domain& domain = c.guest();
  for (uint32_t i = 0; i < kWindow; ++i) pages_.push_back(heap_page(*vcpu_));
  window_ = open_window(*vcpu_);
  // It stays a table when nothing leads to it.
  if (ops_.pin(2, window_.l2.frame) != 0) throw HarnessFault("cannot pin the window's level 2 table");
  pages_.push_back(window_.l1);
  for (const Page& page : pages_) pfns_.push_back(domain.pfn_of(page.va).raw());
  root_ = root_table(domain);
  spare_root_ = copy_of(*vcpu_, root_);
  theirs_ = heap_page(c.peer().vcpu(0)).frame;
}

Gfn PageFrames::frame(uint32_t number) const {
  switch (number) {
    case kTheirs:
      return theirs_;
    case kNoMemory:
      return kVideoMemory;
    case kNoFrame:
      return frame_of_entry(kPteFrame);
    default:
      return pages_.at(number).frame;
  }
}

int64_t PageFrames::set_entry(uint32_t table, unsigned index, uint64_t value, unsigned command, uint32_t foreign) {
  const int64_t result = ops_.set_entry(frame(table), index, value, command, foreign);
  if (table == kWindow) ops_.ext(MMUEXT_INVLPG_LOCAL, window_.page(index).raw());
  return result;
}

int64_t PageFrames::set_page(unsigned index, uint64_t value, uint64_t flags) {
  return ops_.update_va(window_.page(index), value, flags);
}

PageFrames::Hiding PageFrames::hide_window(unsigned page) {
  Hiding hiding{};
  hiding.gone = ops_.set_entry(window_.l3.frame, 0, 0);
  hiding.is_seen = peek(window_.page(page), 0) != ~uint64_t{0};
  hiding.back = ops_.set_entry(window_.l3.frame, 0, make_entry(window_.l2.frame, kBranch));
  return hiding;
}

int64_t PageFrames::set_user_root(std::optional<uint32_t> number) {
  return ops_.ext(MMUEXT_NEW_USER_BASEPTR, number ? frame(*number).raw() : 0);
}

PageFrames::RootChange PageFrames::change_root() {
  const int64_t there = ops_.ext(MMUEXT_NEW_BASEPTR, spare_root_.frame.raw());
  const int64_t meanwhile = remap(*vcpu_, spare_root_, kLeafRw);
  const int64_t back = ops_.ext(MMUEXT_NEW_BASEPTR, root_.frame.raw());
  const int64_t afterwards = remap(*vcpu_, spare_root_, kLeafRw);
  // The hypervisor may have left entries of its own in it, which it does not look at.
  if (remap(*vcpu_, spare_root_, kLeafRo) != 0) throw HarnessFault("cannot make a page read-only");
  return {there, meanwhile, back, afterwards};
}

int64_t PageFrames::set_descriptors(const std::vector<uint32_t>& numbers) {
  uint64_t offset = 0;
  for (const uint32_t number : numbers) {
    list_.put(frame(number).raw(), offset);
    offset += sizeof(uint64_t);
  }
  return vcpu_->hypercall(__HYPERVISOR_set_gdt, {list_.va().raw(), numbers.size() * kDescriptorsOf});
}

int64_t PageFrames::set_descriptor(uint32_t number, unsigned index, uint64_t descriptor) {
  const uint64_t at = (frame(number).raw() << kPageShift) + index * sizeof descriptor;
  return vcpu_->hypercall(__HYPERVISOR_update_descriptor, {at, descriptor});
}

int64_t PageFrames::flush(unsigned command) {
  const Gva vcpus = list_.put(uint64_t{1});
  return ops_.ext(command, window_.page(0).raw(), vcpus.raw());
}

int64_t PageFrames::give_back(uint32_t number) {
  return memory_.decrease_reservation({.extents = {frame(number).raw()}}).done;
}

int64_t PageFrames::renew(uint32_t number) {
  const ReservationResult got = memory_.populate_physmap({.extents = {pfns_.at(number)}});
  if (got.done == 1) pages_.at(number).frame = Gfn{got.extents.at(0)};
  return got.done;
}

std::array<uint64_t, kEntries> PageFrames::words(uint32_t number) {
  std::array<uint64_t, kEntries> words{};
  if (vcpu_->read_bytes(pages_.at(number).va, std::as_writable_bytes(std::span(words)))) words.fill(~uint64_t{0});
  return words;
}

uint64_t PageFrames::m2p(uint32_t number) {
  return vcpu_->read<uint64_t>(Gva{MACH2PHYS_VIRT_START} + frame(number).raw() * sizeof(uint64_t));
}

uint64_t PageFrames::peek(Gva page, unsigned index) {
  uint64_t word = 0;
  const Gva at = page + index * sizeof word;
  return vcpu_->read_bytes(at, std::as_writable_bytes(std::span(&word, 1))) ? ~uint64_t{0} : word;
}

bool PageFrames::poke(Gva page, unsigned index, uint64_t value) {
  return !vcpu_->write_bytes(page + index * sizeof value, std::as_bytes(std::span(&value, 1)));
}

bool PageFrames::rewrite(Gva page) {
  constexpr uint64_t kNothing = 0;
  return vcpu_->atomic(ASSAY_ATOMIC_OR, page, sizeof kNothing, kNothing).ok();
}

}  // namespace assay
