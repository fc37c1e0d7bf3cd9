/// GNTTABOP_set_version: both layouts, and what survives a change.
#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/grant/entries.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/status_frames.hpp"

namespace hv {

namespace {

constexpr unsigned kUseBits = GTF_reading | GTF_writing;
using ReservedEntries = std::array<grant_entry_v1_t, kReservedRefs>;

bool in_use(const GrantTable& table) {
  const uint32_t first = kReservedRefs + (fault("grant.version_change_in_use") ? 1 : 0);
  for (uint32_t ref = first; ref < refs_of(table); ++ref) {
    if (active_grant(table, GrantRef{ref}).pins.any()) return true;
  }
  return false;
}

/// Version 1 has 32 bits for a frame number and no transitive grants.
bool fits_version_1(const grant_entry_v2_t& entry) {
  switch (entry.hdr.flags & GTF_type_mask) {
    case GTF_permit_access:
      return entry.full_page.frame >> 32 == 0;
    case GTF_transitive:
      return false;
    default:
      return true;
  }
}

bool reserved_fit_version_1(const GrantTable& table) {
  for (uint32_t ref = 0; ref < kReservedRefs; ++ref) {
    if (!fits_version_1(*shared_entry(table, GrantRef{ref}).v2)) return false;
  }
  return true;
}

grant_entry_v1_t to_version_1(const SharedEntry& entry) {
  if ((entry.header->flags & GTF_type_mask) != GTF_permit_access) return {};
  return {static_cast<uint16_t>(entry.header->flags | *entry.status), entry.header->domid,
          static_cast<uint32_t>(entry.v2->full_page.frame)};
}

ReservedEntries take_reserved(const GrantTable& table) {
  ReservedEntries reserved;
  for (uint32_t ref = 0; ref < kReservedRefs; ++ref) {
    const SharedEntry entry = shared_entry(table, GrantRef{ref});
    reserved[ref] = entry.v2 != nullptr ? to_version_1(entry) : *reinterpret_cast<grant_entry_v1_t*>(entry.header);
  }
  return reserved;
}

void put_reserved(const GrantTable& table, const ReservedEntries& reserved) {
  for (uint32_t ref = 0; ref < kReservedRefs; ++ref) {
    const SharedEntry entry = shared_entry(table, GrantRef{ref});
    const grant_entry_v1_t& from = reserved[ref];
    if (entry.v2 == nullptr) {
      *reinterpret_cast<grant_entry_v1_t*>(entry.header) = from;
      continue;
    }
    *entry.status = static_cast<grant_status_t>(from.flags & kUseBits);
    entry.header->flags = static_cast<uint16_t>(from.flags & ~kUseBits);
    entry.header->domid = from.domid;
    entry.v2->full_page.frame = from.frame;
  }
}

Status prepare(GrantTable& table, uint32_t version) {
  if (in_use(table)) return fail(XEN_EBUSY);
  if (version == 2) return add_status_frames(table) ? kOk : fail(XEN_ENOMEM);
  if (table.transitive_copies != 0) return fail(XEN_EAGAIN);
  if (!reserved_fit_version_1(table)) return fail(XEN_ERANGE);
  return status_frames_in_use(table) && !fault("grant.mapped_status_frames_freed") ? fail(XEN_EBUSY) : kOk;
}

}  // namespace

Status grant_set_version(GrantTable& table, uint32_t version) {
  if (version != 1 && version != 2) return fail(XEN_EINVAL);
  if (version > table.version_max) return fail(XEN_ENOSYS);
  const LockGuard guard(table.lock);
  if (version == table.version) return kOk;
  if (const Status status = prepare(table, version); !status.ok()) return status;
  const ReservedEntries reserved = take_reserved(table);
  if (version == 1 && !fault("grant.status_frames_outlive_version")) drop_status_frames(table);
  for (uint32_t i = 0; i < table.frames && !fault("grant.version_change_keeps_entries"); ++i) {
    std::memset(frame_bytes(table.shared[i]), 0, kPageSize);
  }
  table.version = version;
  put_reserved(table, reserved);
  return kOk;
}

}  // namespace hv
