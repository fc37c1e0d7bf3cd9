#include "conformance/guest/grant_table.hpp"

#include "conformance/guest/grant_ops.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {

GrantTable::GrantTable(CaseContext& c, Vcpu& owner, uint32_t frames) : c_(&c), owner_(&owner) {
  version_ = GrantOps(owner).get_version().arg.version;
  grow(frames);
}

void GrantTable::grow(uint32_t frames) {
  std::vector<uint64_t> list;
  if (owner_->domain().type() == GuestType::kPv64) {
    const auto got = GrantOps(*owner_).setup_table(frames);
    c_->require_eq(got.result, 0, "setting the grant table up");
    c_->require_eq(got.status, GNTST_okay, "setting the grant table up: status");
    list = got.frames;
  }
  for (uint32_t index = this->frames(); index < frames; ++index) {
    shared_.push_back(show(list.empty() ? 0 : list[index], index));
  }
}

// A page of the heap shows the frame instead of its own memory.
Gva GrantTable::show(uint64_t machine_frame, uint64_t index) {
  Domain& domain = owner_->domain();
  const Gva va = domain.alloc_pages(1);
  const int64_t result = domain.type() == GuestType::kPv64
                             ? update_mapping(*owner_, va, machine_frame << kPageShift | kMapped)
                             : MemoryOps(*owner_).add_to_physmap(XENMAPSPACE_grant_table, index, domain.pfn_of(va));
  c_->require_eq(result, 0, "mapping a frame of the grant table");
  return va;
}

void GrantTable::switch_to(uint32_t version) {
  unmap_status();
  c_->require_eq(GrantOps(*owner_).set_version(version).result, 0, "changing the version of the grant table");
  version_ = version;
  if (version == 2) map_status();
}

void GrantTable::map_status() {
  const uint32_t needed = (frames() * kRefsPerFrameV2 + kStatusPerFrame - 1) / kStatusPerFrame;
  std::vector<uint64_t> list;
  if (owner_->domain().type() == GuestType::kPv64) {
    const auto got = GrantOps(*owner_).get_status_frames(needed);
    c_->require_eq(got.result, 0, "asking for the status frames");
    c_->require_eq(got.status, GNTST_okay, "asking for the status frames: status");
    list = got.frames;
  }
  for (uint32_t index = 0; index < needed; ++index) {
    status_.push_back(show(list.empty() ? 0 : list[index], index | XENMAPIDX_grant_table_status));
  }
}

void GrantTable::unmap_status() {
  for (const Gva va : status_) {
    const int64_t result = owner_->domain().type() == GuestType::kPv64
                               ? update_mapping(*owner_, va, 0)
                               : MemoryOps(*owner_).remove_from_physmap(owner_->domain().pfn_of(va));
    c_->require_eq(result, 0, "unmapping a status frame");
  }
  status_.clear();
}

void GrantTable::permit(GrantRef ref, DomId to, Gfn frame, uint16_t flags) {
  const auto all = static_cast<uint16_t>(GTF_permit_access | flags);
  if (version_ == 1) {
    put(ref, entry_v1(all, to, static_cast<uint32_t>(frame.raw())));
  } else {
    put(ref, full_page_v2(all, to, frame.raw()));
  }
}

// Flags last, as the header asks for: the entry is valid from then on.
void GrantTable::put(GrantRef ref, const grant_entry_v1_t& value) {
  if (version_ != 1) throw HarnessFault("a version 1 entry in a version 2 table");
  auto invalid = value;
  invalid.flags = 0;
  owner_->write(entry(ref), invalid);
  owner_->write(entry(ref), value.flags);
}

void GrantTable::put(GrantRef ref, const grant_entry_v2_t& value) {
  if (version_ != 2) throw HarnessFault("a version 2 entry in a version 1 table");
  auto invalid = value;
  invalid.hdr.flags = 0;
  owner_->write(entry(ref), invalid);
  owner_->write(entry(ref), value.hdr.flags);
}

grant_entry_v1_t GrantTable::v1(GrantRef ref) const {
  return owner_->read<grant_entry_v1_t>(entry(ref));
}

grant_entry_v2_t GrantTable::v2(GrantRef ref) const {
  return owner_->read<grant_entry_v2_t>(entry(ref));
}

Gva GrantTable::entry(GrantRef ref) const {
  const uint64_t bytes = version_ == 1 ? sizeof(grant_entry_v1_t) : sizeof(grant_entry_v2_t);
  const uint64_t at = ref.raw() * bytes;
  return shared_.at(at / kPageSize) + at % kPageSize;
}

Gva GrantTable::status_word(GrantRef ref) const {
  return status_.at(ref.raw() / kStatusPerFrame) + ref.raw() % kStatusPerFrame * sizeof(grant_status_t);
}

grant_entry_v1_t entry_v1(uint16_t flags, DomId to, uint32_t frame) {
  return {flags, to.raw(), frame};
}

grant_entry_v2_t full_page_v2(uint16_t flags, DomId to, uint64_t frame) {
  grant_entry_v2_t made{};
  made.full_page.hdr = {flags, to.raw()};
  made.full_page.frame = frame;
  return made;
}

grant_entry_v2_t sub_page_v2(uint16_t flags, DomId to, uint64_t frame, uint16_t offset, uint16_t length) {
  grant_entry_v2_t made{};
  made.sub_page.hdr = {static_cast<uint16_t>(flags | GTF_permit_access | GTF_sub_page), to.raw()};
  made.sub_page.page_off = offset;
  made.sub_page.length = length;
  made.sub_page.frame = frame;
  return made;
}

grant_entry_v2_t transitive_v2(uint16_t flags, DomId to, DomId through, GrantRef ref) {
  grant_entry_v2_t made{};
  made.transitive.hdr = {static_cast<uint16_t>(flags | GTF_transitive), to.raw()};
  made.transitive.trans_domid = through.raw();
  made.transitive.gref = ref.raw();
  return made;
}

}  // namespace assay
