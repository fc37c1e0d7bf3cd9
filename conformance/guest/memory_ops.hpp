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

/// IN of exchange: what is given and what is wanted for it, and how many input extents were done before.
struct Exchange {
  Reservation in{};
  Reservation out{};
  uint64_t done = 0;
};

/// `done`: nr_exchanged afterwards. `out`: the output list afterwards.
struct ExchangeResult {
  int64_t result;
  uint64_t done;
  std::vector<uint64_t> out;
};

/// IN of add_to_physmap_batch: item i maps indices[i] at places[i].
struct PhysmapBatch {
  unsigned space = 0;
  std::vector<uint64_t> indices{};
  std::vector<uint64_t> places{};
  DomId dom = kDomSelf;
  DomId foreign = DomId{0};
};

/// `errors`: one an item; kUntouched32 where nothing was written.
struct PhysmapBatchResult {
  int64_t result;
  std::vector<int32_t> errors;
};

/// An entry of a guest's memory map, as the BIOS has it: 20 bytes, packed.
struct [[gnu::packed]] MemoryMapEntry {
  uint64_t address;
  uint64_t size;
  uint32_t type;
};
static_assert(sizeof(MemoryMapEntry) == 20);

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

  /// At most kExtentsMax / 2 extents a side.
  ExchangeResult exchange(const Exchange& in);

  int64_t add_to_physmap(unsigned space, uint64_t index, Pfn at, DomId dom = kDomSelf);
  /// XENMAPSPACE_gmfn_range: `count` frames from `index` on.
  int64_t add_range_to_physmap(uint64_t index, Pfn at, uint16_t count, DomId dom = kDomSelf);
  /// At most 64 items.
  PhysmapBatchResult add_to_physmap_batch(const PhysmapBatch& in);
  int64_t remove_from_physmap(Pfn at, DomId dom = kDomSelf);
  Called<xen_machphys_mapping_t> machphys_mapping();
  /// `arg.nr_entries` counts what is in `entries` afterwards.
  Called<xen_memory_map_t> memory_map(uint32_t command, uint32_t room, std::vector<std::byte>& entries);
  /// `count` is what the call claims to pass: 0 = as many as `entries`.
  int64_t set_memory_map(DomId dom, std::span<const MemoryMapEntry> entries, uint32_t count = 0);

  Called<xen_pod_target_t> get_pod_target(DomId dom) { return pod_target(XENMEM_get_pod_target, dom, 0); }
  Called<xen_pod_target_t> set_pod_target(DomId dom, uint64_t pages) {
    return pod_target(XENMEM_set_pod_target, dom, pages);
  }
  /// Sets frames aside, so that the domain can have `pages` of them.
  int64_t claim_pages(DomId dom, uint64_t pages) {
    return reserve(XENMEM_claim_pages, {.dom = dom, .null_list = true, .count = pages}).done;
  }
  /// `frames`: room for the frame list, null to ask for the size of the resource. `arg.pad` is passed on.
  Called<xen_mem_acquire_resource_t> acquire_resource(xen_mem_acquire_resource_t arg, std::vector<uint64_t>* frames);

  /// Any command with any pointer.
  int64_t raw(uint64_t command, Gva argument);

 private:
  int64_t of_domain(uint64_t command, DomId dom);
  Called<xen_pod_target_t> pod_target(uint64_t command, DomId dom, uint64_t pages);
  void put_list(uint64_t offset, std::span<const uint64_t> list);
  void get_list(uint64_t offset, std::span<uint64_t> list);
  Scratch memory_;
};

}  // namespace assay
