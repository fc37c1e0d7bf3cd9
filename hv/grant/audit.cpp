/// The invariants of grant tables, read at rest.
#include <cstdio>

#include "hv/grant/entries.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/pin.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

namespace {

using NextTable = const GrantTable* (*)(const GrantTable*);

struct Findings {
  void (*report)(void*, const char*);
  void* context;
  DomId id;
  uint32_t count = 0;

  void add(const char* what, uint32_t number) {
    char text[160];
    std::snprintf(text, sizeof text, "d%u grants, %u: %s", unsigned{id.raw()}, number, what);
    report(context, text);
    ++count;
  }
};

/// Calls `visit(mapper, entry)` for every handle that is in use, of any domain.
template <typename Visit>
void for_each_handle(NextTable next, Visit visit) {
  for (const GrantTable* table = next(nullptr); table != nullptr; table = next(table)) {
    const Maptrack& track = table->maptrack;
    for (uint32_t handle = 0; track.in_use != 0 && handle < handles_of(track); ++handle) {
      const MaptrackEntry& entry = maptrack_entry(track, GrantHandle{handle});
      if (entry.granter != nullptr) visit(*table, entry);
    }
  }
}

/// Every pin is some handle's, and every handle's use is pinned.
void check_pins(const GrantTable& table, uint32_t ref, NextTable next, Findings& findings) {
  const ActiveGrant& active = active_grant(table, GrantRef{ref});
  Pins expected;
  for_each_handle(next, [&](const GrantTable& mapper, const MaptrackEntry& entry) {
    if (entry.granter != &table || entry.ref_or_next != ref) return;
    pins_of(entry.flags).add_to(expected);
    if (mapper.id != active.user) findings.add("in use by a domain it was not first used by", ref);
  });
  if (expected.count != active.pins.count) findings.add("its pins are not those of the handles that name it", ref);
}

void check_handle(const GrantTable& mapper, uint32_t handle, Findings& findings) {
  const MaptrackEntry& entry = maptrack_entry(mapper.maptrack, GrantHandle{handle});
  const PinSet pins = pins_of(entry.flags);
  if (!pins.host && !pins.device) findings.add("a handle without a mapping", handle);
  const GrantTable& granter = *entry.granter;
  if (granter.memory == nullptr) return;
  if (entry.ref_or_next >= refs_of(granter)) {
    findings.add("a handle that names no reference", handle);
    return;
  }
  const ActiveGrant& active = active_grant(granter, GrantRef{entry.ref_or_next});
  // What a PV64 guest maps is held by its page tables, if it has not changed them itself.
  const bool holds = pins.device || (pins.host && mapper.memory->kind == GuestKind::kHvm);
  if (!holds) return;
  const FrameInfo& info = frame_info(active.mfn());
  if (info.owner != granter.memory || info.refs == 0) findings.add("its frame is not held", handle);
  const bool writer = !pins.readonly && (pins.device || granter.memory->kind == GuestKind::kPv64);
  if (writer && (info.type != PageType::kWritable || info.type_refs == 0)) {
    findings.add("its frame is not held writable", handle);
  }
}

void check_maptrack(const GrantTable& table, Findings& findings) {
  const Maptrack& track = table.maptrack;
  uint32_t used = 0;
  for (uint32_t handle = 0; handle < handles_of(track); ++handle) {
    if (maptrack_entry(track, GrantHandle{handle}).granter == nullptr) continue;
    ++used;
    check_handle(table, handle, findings);
  }
  if (used != track.in_use) findings.add("the count of handles in use is wrong", used);
}

void check_size(const GrantTable& table, Findings& findings) {
  if (table.frames < kGrantFramesInitial || table.frames > table.frames_max) findings.add("bad size", table.frames);
  const uint32_t status = table.version == 1 ? 0 : status_frames_for(table.frames);
  if (table.status_frames != status) findings.add("wrong number of status frames", table.status_frames);
  if (table.lock.held()) findings.add("locked at rest", 0);
  if (table.transitive_copies != 0) findings.add("copies in flight at rest", table.transitive_copies);
}

}  // namespace

uint32_t grant_audit(const GrantTable& table, NextTable next, void (*report)(void*, const char*), void* context) {
  Findings findings{report, context, table.id};
  check_size(table, findings);
  check_maptrack(table, findings);
  uint32_t handles = 0;
  for_each_handle(next, [&](const GrantTable&, const MaptrackEntry& entry) { handles += entry.granter == &table; });
  if (handles != table.handles) findings.add("the count of handles that name it is wrong", handles);
  for (uint32_t ref = 0; ref < table.frames * kRefsPerFrameV1; ++ref) {
    if (active_grant(table, GrantRef{ref}).pins.any()) check_pins(table, ref, next, findings);
  }
  return findings.count;
}

}  // namespace hv
