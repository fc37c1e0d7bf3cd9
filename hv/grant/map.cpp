/// GNTTABOP_map_grant_ref.
#include "hv/base/fault.hpp"
#include "hv/grant/entries.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/host_mapping.hpp"
#include "hv/grant/pin.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

constexpr unsigned kCacheBits = GTF_PWT | GTF_PCD | GTF_PAT;

/// The first use settles whom the grant is in use by and which frame it stands for, whatever becomes of the entry.
GrantStatus first_use(const GrantTable& granter, const SharedEntry& entry, DomId user, ActiveGrant& active) {
  const GrantedFrame held = hold_granted_frame(*granter.memory, entry.frame());
  if (held.status != GrantStatus::kOkay) return held.status;
  active = {.pins = {},
            .user = user,
            .start = 0,
            .length = kPageSize,
            .sub_page = false,
            .frame = static_cast<uint32_t>(held.mfn.raw()),
            .inner_ref = 0,
            .inner = nullptr};
  // The mappings take references of their own, and nothing comes between.
  put_page(held.mfn);
  return GrantStatus::kOkay;
}

/// Makes the mappings, or none of them.
HostMapResult make_mappings(const Mapper& mapper, const GrantTable& granter, const ActiveGrant& active,
                            const MapRequest& request, unsigned cache_bits) {
  const PinSet wanted = pins_of(request.flags);
  const bool held_by_host = wanted.host && fault("grant.one_reference_for_both");
  if (wanted.device && !held_by_host && !hold_frame(active.mfn(), *granter.memory, !wanted.readonly)) return {};
  if (!wanted.host) return {.ok = true};
  const HostMapping mapping{request.host_addr, request.flags, active.mfn()};
  const HostMapResult result = map_for_host(mapper, mapping, *granter.memory, cache_bits);
  if (!result.ok && wanted.device && !fault("grant.failed_map_leaks_device_hold"))
    drop_frame(active.mfn(), !wanted.readonly);
  return result;
}

/// With the granter's lock held.
MapResult map_locked(const Mapper& mapper, GrantTable& granter, const MapRequest& request) {
  if (request.ref.raw() >= refs_of(granter) + (fault("grant.ref_off_by_one") ? 1 : 0))
    return {.status = GrantStatus::kBadRef};
  ActiveGrant& active = active_grant(granter, request.ref);
  const SharedEntry entry = shared_entry(granter, request.ref);
  const PinSet wanted = pins_of(request.flags);
  const DomId user = mapper.table.id;
  const bool first = !active.pins.any();
  const bool other_user = active.user != user && !fault("grant.second_user_mapped");
  if (!first && (other_user || active.sub_page || wanted.would_overflow(active.pins))) {
    return {.status = GrantStatus::kGeneralError};
  }
  if (first || (!wanted.readonly && !active.pins.any_writer())) {
    const GrantStatus status = note_use(entry, active, user, wanted.readonly, Use::kMap);
    if (status != GrantStatus::kOkay) return {.status = status};
  }
  GrantStatus status = first ? first_use(granter, entry, user, active) : GrantStatus::kOkay;
  bool fatal = false;
  if (status == GrantStatus::kOkay) {
    // Counted before the lock of the memory is taken: from then on others may look.
    wanted.add_to(active.pins);
    const HostMapResult made = make_mappings(mapper, granter, active, request, entry.header->flags & kCacheBits);
    if (made.ok) return {.mfn = active.mfn()};
    wanted.take_from(active.pins);
    fatal = made.fatal;
    status = GrantStatus::kGeneralError;
  }
  if (!fault("grant.failed_map_stays_noted")) note_unused(entry, active, wanted.readonly);
  return {.status = status, .fatal = fatal};
}

}  // namespace

MapResult grant_map(const Mapper& mapper, GrantTable* granter, const MapRequest& request) {
  constexpr uint32_t kAnyMap = GNTMAP_host_map | GNTMAP_device_map;
  constexpr uint32_t kNotForHvm = GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte;
  if ((request.flags & kAnyMap) == 0) return {.status = GrantStatus::kBadRef};
  const bool hvm = mapper.space.memory->kind == GuestKind::kHvm;
  if (hvm && (request.flags & kNotForHvm) != 0) return {.status = GrantStatus::kGeneralError};
  if (granter == nullptr) return {.status = GrantStatus::kBadDomain};
  Maptrack& track = mapper.table.maptrack;
  const GrantHandle handle = take_handle(track);
  if (handle == kNoHandle) return {.status = GrantStatus::kNoSpace};
  MapResult result;
  {
    const LockGuard guard(granter->lock);
    result = map_locked(mapper, *granter, request);
    if (result.status == GrantStatus::kOkay) ++granter->handles;
  }
  if (result.status != GrantStatus::kOkay) {
    if (!fault("grant.failed_map_leaks_handle")) give_handle(track, handle);
    return result;
  }
  maptrack_entry(track, handle) = {granter, request.ref.raw(), static_cast<uint16_t>(request.flags), 0};
  result.handle = handle;
  return result;
}

}  // namespace hv
