/// A few pages of a guest that a toolstack tracks by log-dirty, and all who may write to them: the guest, the
/// hypervisor for it, and another domain that was granted them.
#pragma once

#include <array>
#include <vector>

#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/log_dirty.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/waiting_upcall.hpp"

namespace assay {

/// guest() is tracked by dom0; peer() is the other domain.
class TrackedPages {
 public:
  static constexpr uint32_t kPages = 5;
  /// All that the guest has, and one more page of its physical memory.
  static constexpr uint64_t kAllBits = LogDirtyOps::kBitsMax;
  /// So many that looking at them lets upcalls through.
  static constexpr uint64_t kManyBits = (uint64_t{1} << 24) + (uint64_t{1} << 15);

  explicit TrackedPages(CaseContext& c);

  [[nodiscard]] Pfn pfn(uint32_t page) const { return pfns_.at(page); }
  /// The first word of a page; all ones where there is no memory.
  uint64_t word(uint32_t page);

  // By the guest.
  void write(uint32_t page, uint64_t value) { owner_->write(pages_.at(page), value); }
  /// The hypervisor writes its name's suffix there.
  int64_t ask(uint32_t page) { return owner_->hypercall(__HYPERVISOR_xen_version, {XENVER_extraversion, va(page)}); }
  int64_t decrease(uint32_t page) { return memory_.decrease_reservation({.extents = {pfn(page).raw()}}).done; }
  int64_t populate(uint32_t page) { return memory_.populate_physmap({.extents = {pfn(page).raw()}}).done; }

  // By the other domain.
  int16_t copy_into(uint32_t page, uint64_t value);
  int16_t copy_from(uint32_t page);
  int16_t map(uint32_t page, bool is_readonly);
  int16_t unmap(uint32_t page);
  /// Through the mapping.
  void poke(uint32_t page, uint64_t value) { other_->write(windows_.at(page).va, value); }

  // By the toolstack.
  LogDirtyOps ops;
  /// Begins to hand out kManyBits while an upcall waits. Whether it was preempted.
  bool begin(uint32_t operation);
  /// The hypercall that goes on with what was begun last, whether that is over or not.
  DirtyPages go_on();
  /// The same, but for another operation than was begun. The result.
  int64_t go_on_as(uint32_t operation);

 private:
  [[nodiscard]] uint64_t va(uint32_t page) const { return pages_.at(page).raw(); }
  static GrantRef ref(uint32_t page) { return GrantRef{kFirstOrdinaryRef.raw() + page}; }

  Vcpu* owner_;
  Vcpu* other_;
  Vcpu* dom0_;
  MemoryOps memory_;
  GrantTable table_;
  GrantOps other_ops_;
  Gva other_page_;
  std::array<Gva, kPages> pages_;
  std::array<Pfn, kPages> pfns_;
  std::vector<GrantWindow> windows_;
  std::array<grant_handle_t, kPages> handles_{};
  Gva bitmap_;
  GuestStruct<xen_domctl_t> argument_;
  WaitingUpcall upcall_;
  Interrupted at_;
};

}  // namespace assay
