#include "hv/grant/entries.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

void clear_bits(grant_status_t& word, unsigned bits) {
  word = static_cast<grant_status_t>(word & ~bits);
}

bool allowed(const grant_entry_header_t& header, DomId user, Use use, bool version_2) {
  if (DomId{header.domid} != user && !fault("grant.granted_to_anybody")) return false;
  // Whoever is granted a part of a page must not see the rest of it.
  const unsigned mask =
      use == Use::kMap && !fault("grant.part_of_page_mapped") ? GTF_type_mask | GTF_sub_page : GTF_type_mask;
  const unsigned type = header.flags & mask;
  return type == GTF_permit_access || (version_2 && use == Use::kCopy && type == GTF_transitive);
}

}  // namespace

SharedEntry shared_entry(const GrantTable& table, GrantRef ref) {
  HV_ASSERT(ref.raw() < refs_of(table));
  if (table.version == 1) {
    const Mfn frame = table.shared[ref.raw() / kRefsPerFrameV1];
    auto* header =
        reinterpret_cast<grant_entry_header_t*>(frame_as<grant_entry_v1_t>(frame) + ref.raw() % kRefsPerFrameV1);
    return {header, nullptr, &header->flags};
  }
  const Mfn frame = table.shared[ref.raw() / kRefsPerFrameV2];
  grant_entry_v2_t* entry = frame_as<grant_entry_v2_t>(frame) + ref.raw() % kRefsPerFrameV2;
  const Mfn status = table.status[ref.raw() / kStatusPerFrame];
  return {&entry->hdr, entry, frame_as<grant_status_t>(status) + ref.raw() % kStatusPerFrame};
}

GrantStatus note_use(const SharedEntry& entry, const ActiveGrant& active, DomId user, bool readonly, Use use) {
  const grant_entry_header_t header = *entry.header;
  if (!active.pins.any() && !allowed(header, user, use, entry.v2 != nullptr)) return GrantStatus::kGeneralError;
  if (!readonly && (header.flags & GTF_readonly) != 0 && !fault("grant.readonly_mapped_writable"))
    return GrantStatus::kGeneralError;
  *entry.status = static_cast<grant_status_t>(*entry.status | GTF_reading | (readonly ? 0 : GTF_writing));
  return GrantStatus::kOkay;
}

void note_unused(const SharedEntry& entry, const ActiveGrant& active, bool readonly) {
  const Pins& pins = active.pins;
  const bool host = (pins[PinKind::kHostRead] | pins[PinKind::kHostWrite]) != 0;
  const bool used = fault("grant.status_forgets_device_pins") ? host : pins.any();
  if (!used) clear_bits(*entry.status, GTF_reading);
  if (!readonly && !active.pins.any_writer()) clear_bits(*entry.status, GTF_writing);
}

GrantedFrame hold_granted_frame(const DomainMemory& memory, uint64_t frame) {
  GrantedFrame held;
  held.status = GrantStatus::kBadPage;
  held.mfn = Mfn{frame};
  held.writable = true;
  if (memory.kind == GuestKind::kHvm) {
    const Stage2Entry entry = stage2_lookup(memory, Gfn{frame});
    if (!entry.present) return held;
    held.mfn = entry.mfn;
    held.writable = entry.writable;
    if (entry.grant) {
      held.owner = get_page_and_owner(held.mfn);
      if (held.owner != nullptr) held.status = GrantStatus::kOkay;
      return held;
    }
  }
  if (!get_page(held.mfn, memory)) return held;
  held.owner = &memory;
  held.status = GrantStatus::kOkay;
  return held;
}

}  // namespace hv
