/// A few pages of a guest's heap whose memory comes and goes, and where the guest looks at them.
#pragma once

#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {

class MemoryPlaces {
 public:
  static constexpr uint32_t kPlaces = 6;
  /// Frame number that no machine of ours has.
  static constexpr uint64_t kNowhere = 0xfffff0;

  explicit MemoryPlaces(CaseContext& c);

  /// Each is one hypercall about these places; a PV guest unmaps before and maps after. Extents dealt with.
  int64_t populate(std::span<const uint32_t> places);
  int64_t decrease(std::span<const uint32_t> places);
  int64_t increase(uint64_t count);
  /// New frames in the place of the old; PV guests alone. `done` of those that were.
  ExchangeResult exchange(std::span<const uint32_t> places);
  int64_t remove_from_physmap(uint32_t place) { return ops_.remove_from_physmap(pfns_.at(place)); }
  int64_t move(uint32_t from, uint32_t to) {
    return ops_.add_to_physmap(XENMAPSPACE_gmfn, pfns_.at(from).raw(), pfns_.at(to));
  }
  int64_t show_grant_frame(uint32_t index, uint32_t place) {
    return ops_.add_to_physmap(XENMAPSPACE_grant_table, index, pfns_.at(place));
  }
  /// Pages that the guest has, and may have.
  int64_t reservation() { return ops_.current_reservation(); }
  int64_t maximum() { return ops_.maximum_reservation(); }
  /// By the toolstack.
  int64_t set_limit(uint64_t pages) { return control_.max_mem(vcpu_->domain().id(), pages); }

  /// The first word of a place; all ones where nothing can be read.
  uint64_t word(uint32_t place);
  bool write(uint32_t place, uint64_t value);

 private:
  [[nodiscard]] bool is_pv() const { return vcpu_->domain().type() == GuestType::kPv64; }
  [[nodiscard]] uint64_t extent(uint32_t place) const;
  void show(uint32_t place, uint64_t frame);

  CaseContext* c_;
  Vcpu* vcpu_;
  MemoryOps ops_;
  DomctlOps control_;
  std::vector<Gva> pages_;
  std::vector<Pfn> pfns_;
  std::vector<uint64_t> frames_;  ///< PV: of each place, kNowhere if none
};

}  // namespace assay
