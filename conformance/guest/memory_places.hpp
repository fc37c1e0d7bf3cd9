/// A few pages of a guest's heap whose memory comes and goes, and where the guest looks at them.
#pragma once

#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {

/// The argument of a reservation operation about one extent, with the list behind it.
struct OneExtent {
  xen_memory_reservation_t reservation;
  uint64_t extent;
};
/// `at`: where it is going to be.
OneExtent one_extent(Gva at, uint64_t extent, DomId dom);

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
  int64_t set_limit(uint64_t pages) { return control_.call(limit_request(pages)).result; }

  /// What decrease_reservation, populate_physmap and the operations on the physmap take, for hypercalls that are begun
  /// elsewhere. Around them a PV guest hides what may go, and shows what has come.
  [[nodiscard]] uint64_t extent(uint32_t place) const;
  [[nodiscard]] uint64_t pfn(uint32_t place) const { return pfns_.at(place).raw(); }
  [[nodiscard]] xen_add_to_physmap_t move_request(uint32_t from, uint32_t to) const {
    return physmap_request(XENMAPSPACE_gmfn, pfn(from), to);
  }
  [[nodiscard]] xen_add_to_physmap_t grant_frame_request(uint32_t index, uint32_t place) const {
    return physmap_request(XENMAPSPACE_grant_table, index, place);
  }
  [[nodiscard]] xen_remove_from_physmap_t remove_request(uint32_t place) const;
  [[nodiscard]] xen_domctl_t limit_request(uint64_t pages) const;
  void hide(uint32_t place);
  void show(uint32_t place, uint64_t frame);

  /// The first word of a place; all ones where nothing can be read.
  uint64_t word(uint32_t place);
  bool write(uint32_t place, uint64_t value);

 private:
  [[nodiscard]] bool is_pv() const { return vcpu_->domain().type() == GuestType::kPv64; }
  [[nodiscard]] xen_add_to_physmap_t physmap_request(unsigned space, uint64_t index, uint32_t place) const;

  CaseContext* c_;
  Vcpu* vcpu_;
  MemoryOps ops_;
  DomctlOps control_;
  std::vector<Gva> pages_;
  std::vector<Pfn> pfns_;
  std::vector<uint64_t> frames_;  ///< PV: of each place, kNowhere if none
};

}  // namespace assay
