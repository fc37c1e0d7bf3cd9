#include "hv/mm/frame_alloc.hpp"

#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/free_blocks.hpp"
#include "hv/mm/m2p.hpp"

namespace hv {

namespace {

void scrub(Mfn mfn, FrameInfo& info) {
  if (!info.needs_scrub) return;
  info.needs_scrub = false;
  std::memset(frame_bytes(mfn), 0, kPageSize);
}

/// The frame numbers that `limit_bits` of address leave. Source: XENMEMF_address_bits.
uint64_t frame_limit(unsigned limit_bits) {
  if (limit_bits == 0 || limit_bits >= 64) return host().frames;
  const uint64_t limit = (uint64_t{1} << limit_bits) / kPageSize;
  return limit < host().frames ? limit : host().frames;
}

uint64_t claimed_by_all = 0;

/// True when `count` frames are free that no other domain has claimed.
bool unclaimed(const DomainMemory& owner, uint64_t count) {
  return frames_free() >= count && frames_free() - count >= claimed_by_all - owner.claimed_pages;
}

void use_claim(DomainMemory& owner, uint64_t count) {
  const uint64_t used = count < owner.claimed_pages ? count : owner.claimed_pages;
  owner.claimed_pages -= used;
  claimed_by_all -= used;
}

void make_shared(Mfn mfn, DomainMemory& guest) {
  FrameInfo& info = frame_info(mfn);
  HV_ASSERT(info.state == FrameState::kCore && info.owner == nullptr);
  info.owner = &guest;
  info.state = FrameState::kShared;
  info.refs = 1;
  info.allocated = true;
  // A writable reference that is never dropped: the frame cannot become a page table.
  info.type = PageType::kWritable;
  info.type_refs = 1;
  list_append(guest.core_pages, mfn);
}

}  // namespace

Mfn alloc_core_frames(unsigned order) {
  const Mfn first = take_block(order, host().frames);
  if (first == kInvalidMfn) return first;
  for (uint64_t i = 0; i < uint64_t{1} << order; ++i) {
    const Mfn mfn{first.raw() + i};
    FrameInfo& info = frame_info(mfn);
    HV_ASSERT(info.state == FrameState::kFree);
    scrub(mfn, info);
    info.state = FrameState::kCore;
  }
  return first;
}

void free_core_frames(Mfn mfn, unsigned order) {
  for (uint64_t i = 0; i < uint64_t{1} << order; ++i) {
    FrameInfo& info = frame_info(Mfn{mfn.raw() + i});
    HV_ASSERT(info.state == FrameState::kCore && info.owner == nullptr);
    info = FrameInfo{};
    info.needs_scrub = !fault("memory.hypervisor_frames_not_scrubbed");
  }
  give_block(mfn, order);
}

Result<Mfn> alloc_domain_frames(DomainMemory& owner, unsigned order, unsigned limit_bits) {
  const uint64_t count = uint64_t{1} << order;
  if (owner.dying) return fail(XEN_EINVAL);
  const uint64_t most = owner.max_pages + (fault("memory.limit_off_by_one") ? 1 : 0);
  if (order > kOrderMax || count > most || owner.tot_pages > most - count) return fail(XEN_E2BIG);
  if (!unclaimed(owner, count)) return fail(XEN_ENOMEM);
  const Mfn first = take_block(order, frame_limit(limit_bits));
  if (first == kInvalidMfn) return fail(XEN_ENOMEM);
  for (uint64_t i = 0; i < count; ++i) {
    const Mfn mfn{first.raw() + i};
    FrameInfo& info = frame_info(mfn);
    HV_ASSERT(info.state == FrameState::kFree && info.refs == 0);
    scrub(mfn, info);
    info.owner = &owner;
    info.state = FrameState::kDomain;
    info.refs = 1;
    info.allocated = true;
    list_append(owner.pages, mfn);
  }
  owner.tot_pages += count;
  use_claim(owner, count);
  return first;
}

Status claim_frames(DomainMemory& owner, uint64_t total) {
  if (total == 0) {
    use_claim(owner, owner.claimed_pages);
    return kOk;
  }
  if (owner.claimed_pages != 0) return fail(XEN_EINVAL);
  if (total <= owner.tot_pages || total > owner.max_pages) return fail(XEN_EINVAL);
  const uint64_t wanted = total - owner.tot_pages;
  const uint64_t taken = fault("memory.claim_forgets_others") ? 0 : claimed_by_all;
  if (frames_free() < taken || wanted > frames_free() - taken) return fail(XEN_ENOMEM);
  owner.claimed_pages = wanted;
  claimed_by_all += wanted;
  return kOk;
}

void forget_claims() {
  claimed_by_all = 0;
}
uint64_t frames_claimed() {
  return claimed_by_all;
}

Mfn alloc_shared_frame(DomainMemory& guest) {
  const Mfn mfn = alloc_core_frames(0);
  if (mfn != kInvalidMfn) make_shared(mfn, guest);
  return mfn;
}

void share_frame_with_guest(Mfn mfn, DomainMemory& guest) {
  make_shared(mfn, guest);
}

uint64_t frames_free() {
  return free_block_frames();
}
uint64_t frames_total() {
  return host().frames;
}

}  // namespace hv
