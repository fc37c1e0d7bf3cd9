/// The invariants of the frame table, read at rest.
#include "hv/mm/audit.hpp"

#include <cstdio>

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/free_blocks.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_entries.hpp"
#include "hv/mm/page_tables.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

struct Findings {
  void (*report)(void*, const char*);
  void* context;
  uint32_t count = 0;

  void add(Mfn mfn, const char* what) {
    char text[160];
    const FrameInfo& info = frame_info(mfn);
    std::snprintf(text, sizeof text, "frame %#llx (refs %u, type %u x%u): %s",
                  static_cast<unsigned long long>(mfn.raw()), info.refs, static_cast<unsigned>(info.type),
                  info.type_refs, what);
    report(context, text);
    ++count;
  }
};

struct BlockWalk {
  Findings* findings;
  uint64_t frames = 0;
};

void check_block(void* context, Mfn head, unsigned order) {
  auto& walk = *static_cast<BlockWalk*>(context);
  walk.frames += uint64_t{1} << order;
  if (head.raw() % (uint64_t{1} << order) != 0) walk.findings->add(head, "free block is not aligned");
  for (uint64_t i = 0; i < uint64_t{1} << order; ++i) {
    const Mfn mfn{head.raw() + i};
    const FrameInfo& info = frame_info(mfn);
    if (info.state != FrameState::kFree) walk.findings->add(mfn, "in a free block but not free");
    if (i != 0 && info.free_order != 0) walk.findings->add(mfn, "head of a free block inside another");
  }
}

void check_frame(Mfn mfn, Findings& findings) {
  const FrameInfo& info = frame_info(mfn);
  const bool owned = info.state != FrameState::kFree && info.state != FrameState::kCore;
  if (owned != (info.owner != nullptr && info.owner != &core_memory())) findings.add(mfn, "owner against state");
  if (owned && info.refs == 0) findings.add(mfn, "owned but not referenced");
  if (info.type_refs > info.refs && info.state != FrameState::kShared) findings.add(mfn, "more typed than references");
  if (!owned && info.owner == nullptr && info.refs + info.type_refs != 0) findings.add(mfn, "referenced, no owner");
  if (info.validated && (info.type_refs == 0 || table_level(info.type) == 0)) findings.add(mfn, "validated as nothing");
  if (table_level(info.type) != 0 && info.type_refs != 0 && !info.validated)
    findings.add(mfn, "unvalidated page table");
  if (info.pinned && !info.validated) findings.add(mfn, "pinned but no page table");
  if (!owned && m2p_get(mfn) != kInvalidM2p) findings.add(mfn, "nobody's, but in the M2P");
}

void check_list(const FrameList& list, FrameState state, const DomainMemory& memory, Findings& findings) {
  uint64_t count = 0;
  Mfn before{};
  for (Mfn mfn = list.head; mfn != Mfn{}; mfn = Mfn{frame_info(mfn).next}) {
    const FrameInfo& info = frame_info(mfn);
    if (info.owner != &memory || info.state != state) findings.add(mfn, "on a list of another domain or state");
    if (Mfn{info.prev} != before) findings.add(mfn, "list is not linked back");
    before = mfn;
    ++count;
    if (count > list.count) break;
  }
  if (count != list.count || list.tail != before) findings.add(before, "list length or tail is wrong");
}

void check_entry(uint64_t pte, Mfn table, unsigned level, Findings& findings) {
  const Mfn target = pte_mfn(pte);
  if (!frame_valid(target)) {
    findings.add(table, "an entry names no frame");
    return;
  }
  const FrameInfo& info = frame_info(target);
  if (info.refs == 0) findings.add(target, "mapped but not referenced");
  if (level == 1) {
    const bool is_table = info.validated || (info.type == PageType::kSegDesc && info.type_refs != 0);
    if ((pte & kPteWritable) != 0 && is_table) findings.add(target, "writable page table");
  } else if (!info.validated || (info.type != table_type(level - 1) && info.type != table_type(level))) {
    findings.add(target, "named by a page table but no table of its level");
  }
}

void check_tables(const FrameList& list, Findings& findings) {
  for (Mfn mfn = list.head; mfn != Mfn{}; mfn = Mfn{frame_info(mfn).next}) {
    if (!frame_info(mfn).validated) continue;
    const unsigned level = table_level(frame_info(mfn).type);
    const auto* entries = frame_as<uint64_t>(mfn);
    for (unsigned i = 0; i < kPteCount; ++i) {
      if ((entries[i] & kPtePresent) != 0 && !hypervisor_slot(level, i)) check_entry(entries[i], mfn, level, findings);
    }
  }
}

/// Frames that wait for an entry on demand are in nobody's use.
void check_cache(const FrameList& list, Findings& findings) {
  for (Mfn mfn = list.head; mfn != Mfn{}; mfn = Mfn{frame_info(mfn).next}) {
    if (frame_info(mfn).refs != 1 || m2p_get(mfn) != kInvalidM2p) findings.add(mfn, "in the cache, but in use");
  }
}

/// Every frame of an HVM domain that the M2P knows is where the M2P says.
void check_p2m(const DomainMemory& memory, const FrameList& list, Findings& findings) {
  for (Mfn mfn = list.head; mfn != Mfn{}; mfn = Mfn{frame_info(mfn).next}) {
    const uint64_t gfn = m2p_get(mfn);
    if (gfn != kInvalidM2p && stage2_lookup(memory, Gfn{gfn}).mfn != mfn) findings.add(mfn, "M2P against p2m");
  }
}

/// And the other way round.
void check_m2p(void* findings, Gfn gfn, Mfn mfn) {
  if (m2p_get(mfn) != gfn.raw()) static_cast<Findings*>(findings)->add(mfn, "p2m against M2P");
}

}  // namespace

uint32_t frames_audit(void (*report)(void*, const char*), void* context) {
  Findings findings{report, context};
  BlockWalk walk{&findings};
  visit_free_blocks(check_block, &walk);
  uint64_t free_frames = 0;
  for (uint64_t frame = 0; frame < frames_total(); ++frame) {
    if (frame_info(Mfn{frame}).state == FrameState::kFree) ++free_frames;
    check_frame(Mfn{frame}, findings);
  }
  if (free_frames != walk.frames || free_frames != frames_free()) findings.add(Mfn{}, "free frames were lost");
  return findings.count;
}

uint32_t memory_audit(const DomainMemory& memory, void (*report)(void*, const char*), void* context) {
  Findings findings{report, context};
  check_list(memory.pages, FrameState::kDomain, memory, findings);
  check_list(memory.leftover_pages, FrameState::kLeftover, memory, findings);
  check_list(memory.on_demand_cache, FrameState::kDomain, memory, findings);
  check_cache(memory.on_demand_cache, findings);
  check_list(memory.core_pages, FrameState::kShared, memory, findings);
  if (memory.tot_pages != memory.pages.count + memory.leftover_pages.count + memory.on_demand_cache.count)
    findings.add(Mfn{}, "tot_pages is wrong");
  if (memory.paging_pool_frames != memory.paging_pool.count + memory.paging_tables.count) {
    findings.add(Mfn{}, "paging pool is wrong");
  }
  if (memory.on_demand_entries != stage2_count_promised(memory))
    findings.add(Mfn{}, "entries on demand are miscounted");
  if (memory.kind == GuestKind::kPv64) {
    check_tables(memory.pages, findings);
    check_tables(memory.leftover_pages, findings);
  } else if (memory.stage2_root != kInvalidMfn) {
    check_p2m(memory, memory.pages, findings);
    check_p2m(memory, memory.core_pages, findings);
    stage2_visit(memory, check_m2p, &findings);
  }
  return findings.count;
}

}  // namespace hv
