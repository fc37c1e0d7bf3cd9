/// GNTTABOP_unmap_grant_ref, unmap_and_replace, and what a dying domain had mapped.
#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/grant/entries.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/host_mapping.hpp"
#include "hv/grant/pin.hpp"
#include "hv/mm/log_dirty.hpp"

namespace hv {

namespace {

constexpr uint16_t kMaps = GNTMAP_host_map | GNTMAP_device_map;
constexpr uint32_t kHandlesBetweenChecks = 64;

void unpin(GrantTable& granter, GrantRef ref, PinSet pins) {
  ActiveGrant& active = active_grant(granter, ref);
  // Nobody saw what the mapper wrote meanwhile.
  if (!pins.readonly && !fault("logdirty.grant_unmap_missed")) log_dirty_mark_frame(active.mfn());
  pins.take_from(active.pins);
  note_unused(shared_entry(granter, ref), active, pins.readonly);
}

/// With the granter's lock held.
UnmapResult unmap_locked(const Mapper& mapper, const UnmapRequest& request, MaptrackEntry& entry,
                         PendingUnmap& pending) {
  const Mfn mfn = active_grant(*entry.granter, GrantRef{entry.ref_or_next}).mfn();
  // A mapping without a device part has no device address to compare.
  const bool by_device = request.bus_addr != 0 && (entry.flags & GNTMAP_device_map) != 0;
  const bool other = request.bus_addr != mfn.raw() << kPageShift && !fault("grant.bus_address_unchecked");
  if (by_device && other) return {GrantStatus::kBadBusAddr};
  const auto readonly = static_cast<uint16_t>(entry.flags & GNTMAP_readonly);
  uint16_t done = 0;
  if (request.host_addr != 0 && (entry.flags & GNTMAP_host_map) != 0) {
    const HostMapping mapping{request.host_addr, entry.flags, mfn};
    if (!unmap_for_host(mapper, mapping, request.new_addr, pending.pte)) return {GrantStatus::kGeneralError};
    done = GNTMAP_host_map;
  }
  if (by_device) done = static_cast<uint16_t>(done | GNTMAP_device_map);
  entry.flags = static_cast<uint16_t>(entry.flags & ~done);
  if (done == 0) return {};
  pending.handle = request.handle;
  pending.ref = GrantRef{entry.ref_or_next};
  pending.granter = entry.granter;
  pending.done = static_cast<uint16_t>(done | readonly);
  pending.mfn = mfn;
  return {};
}

/// Gives back one mapping of a dying domain. References in page tables go with the page tables.
void release(GrantTable& mapper, MaptrackEntry& entry) {
  GrantTable& granter = *entry.granter;
  const PinSet pins = pins_of(entry.flags);
  {
    const LockGuard guard(granter.lock);
    if (granter.memory != nullptr) {
      const GrantRef ref{entry.ref_or_next};
      const Mfn mfn = active_grant(granter, ref).mfn();
      if (fault("grant.dead_mapper_stays_noted")) {
        pins.take_from(active_grant(granter, ref).pins);
      } else {
        unpin(granter, ref, pins);
      }
      if (pins.device) drop_frame(mfn, !pins.readonly);
      const bool held = mapper.memory->kind == GuestKind::kHvm && !fault("grant.dead_hvm_mapper_leaks_frames");
      if (pins.host && held) drop_host_mapping(*mapper.memory, mfn, pins.readonly, 0);
    }
  }
  entry = MaptrackEntry{};
  --mapper.maptrack.in_use;
  forget_granter(granter);
}

}  // namespace

void forget_granter(GrantTable& granter) {
  HV_ASSERT(granter.handles > 0);
  if (--granter.handles == 0 && granter.memory == nullptr) arena_delete(&granter);
}

UnmapResult grant_unmap(const Mapper& mapper, const UnmapRequest& request, PendingUnmap& pending) {
  const Maptrack& track = mapper.table.maptrack;
  if (request.handle.raw() >= handles_of(track)) return {GrantStatus::kBadHandle};
  MaptrackEntry& entry = maptrack_entry(track, request.handle);
  if (entry.flags == 0) return {GrantStatus::kBadHandle};
  GrantTable& granter = *entry.granter;
  if (granter.memory == nullptr) return {GrantStatus::kGeneralError, true};
  const LockGuard guard(granter.lock);
  // The handle was looked at without a lock.
  const bool same = (entry.flags != 0 && entry.granter == &granter) || fault("grant.unmap_handle_not_rechecked");
  if (!same) return {GrantStatus::kBadHandle};
  return unmap_locked(mapper, request, entry, pending);
}

void grant_unmap_complete(GrantTable& mapper, const PendingUnmap& pending) {
  if (pending.done == 0) return;
  GrantTable& granter = *pending.granter;
  const PinSet pins = pins_of(pending.done);
  bool handle_done = false;
  {
    const LockGuard guard(granter.lock);
    if (pins.device) drop_frame(pending.mfn, !pins.readonly);
    if (pins.host) drop_host_mapping(*mapper.memory, pending.mfn, pins.readonly, pending.pte);
    unpin(granter, pending.ref, pins);
    MaptrackEntry& entry = maptrack_entry(mapper.maptrack, pending.handle);
    handle_done = entry.granter == &granter && (entry.flags & kMaps) == 0;
    if (handle_done) give_handle(mapper.maptrack, pending.handle);
  }
  if (handle_done) forget_granter(granter);
}

bool grant_release_mappings(GrantTable& mapper, bool (*preempt)(void*), void* context) {
  Maptrack& track = mapper.maptrack;
  uint32_t budget = kHandlesBetweenChecks;
  while (track.in_use != 0) {
    HV_ASSERT(track.next_to_release < handles_of(track));
    MaptrackEntry& entry = maptrack_entry(track, GrantHandle{track.next_to_release});
    if (entry.granter != nullptr) {
      if (budget == 0) {
        if (!fault("grant.release_not_preemptible") && preempt(context)) return false;
        budget = kHandlesBetweenChecks;
      }
      --budget;
      release(mapper, entry);
    }
    ++track.next_to_release;
  }
  return true;
}

}  // namespace hv
