/// A guest's own grant table as it sees it in memory: entries and status words, by its own loads and stores.
#pragma once

#include <vector>

#include "conformance/context.hpp"
#include "conformance/guest/ids.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// The first reference that a change of version does not keep.
constexpr GrantRef kFirstOrdinaryRef{GNTTAB_NR_RESERVED_ENTRIES};
constexpr uint32_t kRefsPerFrameV1 = kPageSize / sizeof(grant_entry_v1_t);
constexpr uint32_t kRefsPerFrameV2 = kPageSize / sizeof(grant_entry_v2_t);
constexpr uint32_t kStatusPerFrame = kPageSize / sizeof(grant_status_t);
constexpr uint16_t kInUse = GTF_reading | GTF_writing;

class GrantTable {
 public:
  /// Grows the table of `owner`'s domain to `frames` frames and maps them: PV64 by setup_table and its own page
  /// tables, PVH by XENMEM_add_to_physmap. A failure ends the case. The version stays what it is: 1 in a new domain.
  GrantTable(CaseContext& c, Vcpu& owner, uint32_t frames = 1);

  /// Maps more of the table.
  void grow(uint32_t frames);
  /// Changes the version; for version 2 the status frames are mapped too. A failure ends the case.
  void switch_to(uint32_t version);
  /// Forgets the mappings of status frames, which must be gone before the table goes back to version 1.
  void unmap_status();

  [[nodiscard]] Vcpu& owner() const { return *owner_; }
  [[nodiscard]] DomId dom() const { return owner_->domain().id(); }
  [[nodiscard]] uint32_t version() const { return version_; }

  /// An entry of the version in force that permits access; `flags` is added to GTF_permit_access.
  void permit(GrantRef ref, DomId to, Gfn frame, uint16_t flags = 0);
  /// Clears the flags word, as a granter that wants the entry back does.
  void revoke(GrantRef ref) { owner_->write(entry(ref), uint16_t{0}); }
  void put(GrantRef ref, const grant_entry_v1_t& value);
  void put(GrantRef ref, const grant_entry_v2_t& value);
  [[nodiscard]] grant_entry_v1_t v1(GrantRef ref) const;
  [[nodiscard]] grant_entry_v2_t v2(GrantRef ref) const;
  [[nodiscard]] uint16_t flags(GrantRef ref) const { return owner_->read<uint16_t>(entry(ref)); }
  /// The word of the status frames; version 2 only.
  [[nodiscard]] uint16_t status(GrantRef ref) const { return owner_->read<uint16_t>(status_word(ref)); }
  /// GTF_reading and GTF_writing, wherever the version in force keeps them.
  [[nodiscard]] uint16_t in_use(GrantRef ref) const { return (version_ == 1 ? flags(ref) : status(ref)) & kInUse; }

  [[nodiscard]] Gva entry(GrantRef ref) const;
  [[nodiscard]] Gva status_word(GrantRef ref) const;
  /// Where the guest sees frame `index` of the table, of the status.
  [[nodiscard]] Gva frame(uint32_t index) const { return shared_.at(index); }
  [[nodiscard]] Gva status_frame(uint32_t index) const { return status_.at(index); }
  [[nodiscard]] uint32_t frames() const { return static_cast<uint32_t>(shared_.size()); }

 private:
  Gva show(uint64_t machine_frame, uint64_t index);
  void map_status();
  CaseContext* c_;
  Vcpu* owner_;
  uint32_t version_ = 1;
  std::vector<Gva> shared_;
  std::vector<Gva> status_;
};

/// Entries of each kind, ready to be put.
grant_entry_v1_t entry_v1(uint16_t flags, DomId to, uint32_t frame);
grant_entry_v2_t full_page_v2(uint16_t flags, DomId to, uint64_t frame);
grant_entry_v2_t sub_page_v2(uint16_t flags, DomId to, uint64_t frame, uint16_t offset, uint16_t length);
grant_entry_v2_t transitive_v2(uint16_t flags, DomId to, DomId through, GrantRef ref);

}  // namespace assay
