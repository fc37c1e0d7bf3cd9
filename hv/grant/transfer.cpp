/// GNTTABOP_transfer: a frame changes its owner.
#include "hv/base/fault.hpp"
#include "hv/grant/entries.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/mm/frame_transfer.hpp"
#include "hv/mm/physmap.hpp"

namespace hv {

namespace {

/// The receiver commits itself: from here on it must leave its entry alone until the transfer is completed.
bool commit(GrantTable& receiver, DomId sender, GrantRef ref) {
  const DomainMemory& memory = *receiver.memory;
  const uint64_t room = fault("transfer.over_limit") ? 1 : 0;
  if (memory.dying || memory.tot_pages >= memory.max_pages + room || ref.raw() >= refs_of(receiver)) return false;
  grant_entry_header_t& header = *shared_entry(receiver, ref).header;
  const bool named = DomId{header.domid} == sender || fault("transfer.from_anybody");
  if (header.flags != GTF_accept_transfer || !named) return false;
  header.flags |= GTF_transfer_committed;
  return true;
}

/// Places the frame where the entry asks for it, and tells a guest that knows machine frames which one it is.
GrantStatus complete(GrantTable& receiver, GrantRef ref, Mfn mfn) {
  const SharedEntry entry = shared_entry(receiver, ref);
  Status placed = kOk;
  {
    const LockGuard guard(receiver.memory->lock);
    give_frame(*receiver.memory, mfn);
    placed = physmap_add(*receiver.memory, Gfn{entry.frame()}, mfn, 0);
  }
  if (receiver.memory->kind == GuestKind::kPv64 && !fault("transfer.frame_not_told")) {
    if (entry.v2 != nullptr) {
      entry.v2->full_page.frame = mfn.raw();
    } else {
      reinterpret_cast<grant_entry_v1_t*>(entry.header)->frame = static_cast<uint32_t>(mfn.raw());
    }
  }
  entry.header->flags |= GTF_transfer_completed;
  return placed.ok() ? GrantStatus::kOkay : GrantStatus::kGeneralError;
}

}  // namespace

GrantStatus grant_transfer(GrantTable& sender, Mfn mfn, GrantTable* receiver, GrantRef ref) {
  {
    const LockGuard guard(sender.memory->lock);
    if (!take_frame(*sender.memory, mfn).ok()) return GrantStatus::kBadPage;
  }
  if (receiver == nullptr) {
    discard_frame(mfn);
    return GrantStatus::kBadDomain;
  }
  const LockGuard guard(receiver->lock);
  if (commit(*receiver, sender.id, ref)) return complete(*receiver, ref, mfn);
  discard_frame(mfn);
  return GrantStatus::kGeneralError;
}

}  // namespace hv
