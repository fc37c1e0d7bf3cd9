/// memory_op as one vCPU issues it. Every function is one hypercall; nothing is checked here.
#pragma once

#include <span>
#include <vector>

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// IN of the reservation operations. `extents` is the frame list; with `null_list` none is passed.
struct Reservation {
  std::vector<uint64_t> extents{};
  unsigned order = 0;
  unsigned flags = 0;
  DomId dom = kDomSelf;
  bool null_list = false;
  uint64_t count = 0;  ///< nr_extents when the list is absent or shall lie; 0 = as many as `extents`
};

/// `done`: extents dealt with (the result register), or a negative errno. `extents`: the list afterwards.
struct ReservationResult {
  int64_t done;
  std::vector<uint64_t> extents;
};

class MemoryOps {
 public:
  /// The longest list that fits the scratch page beside the structure.
  static constexpr uint64_t kExtentsMax = 384;

  explicit MemoryOps(Vcpu& vcpu) : memory_(vcpu) {}

  ReservationResult increase_reservation(const Reservation& in) { return reserve(XENMEM_increase_reservation, in); }
  ReservationResult decrease_reservation(const Reservation& in) { return reserve(XENMEM_decrease_reservation, in); }
  ReservationResult populate_physmap(const Reservation& in) { return reserve(XENMEM_populate_physmap, in); }
  /// Any command that takes a xen_memory_reservation; `command` may carry a start extent.
  ReservationResult reserve(uint64_t command, const Reservation& in);

  int64_t maximum_ram_page() { return raw(XENMEM_maximum_ram_page, Gva{0}); }
  int64_t current_reservation(DomId dom = kDomSelf) { return of_domain(XENMEM_current_reservation, dom); }
  int64_t maximum_reservation(DomId dom = kDomSelf) { return of_domain(XENMEM_maximum_reservation, dom); }
  int64_t maximum_gpfn(DomId dom = kDomSelf) { return of_domain(XENMEM_maximum_gpfn, dom); }

  int64_t add_to_physmap(unsigned space, uint64_t index, Pfn at, DomId dom = kDomSelf);
  int64_t remove_from_physmap(Pfn at, DomId dom = kDomSelf);
  Called<xen_machphys_mapping_t> machphys_mapping();
  /// `arg.nr_entries` counts what is in `entries` afterwards.
  Called<xen_memory_map_t> memory_map(uint32_t command, uint32_t room, std::vector<std::byte>& entries);

  /// Any command with any pointer.
  int64_t raw(uint64_t command, Gva argument);

 private:
  int64_t of_domain(uint64_t command, DomId dom);
  Scratch memory_;
};

}  // namespace assay
