/// Entries of a table, in either version, and the bits by which a granter learns that a grant is in use.
#pragma once

#include "hv/grant/grant_table.hpp"

namespace hv {

[[nodiscard]] inline uint32_t refs_of(const GrantTable& table) {
  return table.frames * (table.version == 1 ? kRefsPerFrameV1 : kRefsPerFrameV2);
}

/// The reference must be below refs_of.
inline ActiveGrant& active_grant(const GrantTable& table, GrantRef ref) {
  return table.active[ref.raw() / kRefsPerFrameV1][ref.raw() % kRefsPerFrameV1];
}

/// Memory that the guest can change at any time: fields are read once.
struct SharedEntry {
  grant_entry_header_t* header;
  grant_entry_v2_t* v2;    ///< null in version 1
  grant_status_t* status;  ///< where reading and writing are noted: the flags in version 1

  [[nodiscard]] uint64_t frame() const {
    // In version 2 it is at one place whether all of the page is granted or a part.
    return v2 != nullptr ? v2->full_page.frame : reinterpret_cast<const grant_entry_v1_t*>(header)->frame;
  }
};
SharedEntry shared_entry(const GrantTable& table, GrantRef ref);

enum class Use : uint8_t { kMap, kCopy };

/// Notes the coming use in the entry when it allows it. With no pin on it: type, domain, and for maps that all of the
/// page is granted; for writing: that it is not read-only. general_error otherwise, and nothing is noted.
GrantStatus note_use(const SharedEntry& entry, const ActiveGrant& active, DomId user, bool readonly, Use use);
/// Takes back what no pin stands for any more.
void note_unused(const SharedEntry& entry, const ActiveGrant& active, bool readonly);

/// The frame behind a frame number of a granter, with a general reference. bad_page: none of its memory.
/// An HVM guest's number may lead to what it has mapped of somebody else: such a frame is nobody's to be granted, which
/// `owner` tells.
struct GrantedFrame {
  GrantStatus status = GrantStatus::kOkay;
  Mfn mfn{};
  const DomainMemory* owner = nullptr;
  bool writable = false;
};
GrantedFrame hold_granted_frame(const DomainMemory& memory, uint64_t frame);

}  // namespace hv
