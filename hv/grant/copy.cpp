#include "hv/grant/copy.hpp"

#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/grant/entries.hpp"
#include "hv/mm/log_dirty.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

bool same_name(const CopyClaim& claim, const CopyOperand& operand) {
  return claim.held && claim.operand.by_ref == operand.by_ref && claim.operand.name == operand.name;
}

bool within(const CopyClaim& claim, uint32_t offset, uint32_t bytes) {
  const uint32_t end = claim.start + claim.length + (fault("copy.destination_end_unchecked") ? 1 : 0);
  return offset >= claim.start && offset + bytes <= end;
}

/// The caller's own frame by its number.
GrantStatus claim_frame(const DomainMemory& memory, uint64_t frame, bool readonly, CopyClaim& claim) {
  const GrantedFrame held = hold_granted_frame(memory, frame);
  if (held.status != GrantStatus::kOkay) return held.status;
  if (!readonly && !held.writable && !fault("copy.into_readonly_frame")) {
    put_page(held.mfn);
    return GrantStatus::kGeneralError;
  }
  claim.mfn = held.mfn;
  claim.start = 0;
  claim.length = kPageSize;
  return GrantStatus::kOkay;
}

}  // namespace

void GrantCopier::drop(CopyClaim& claim, bool readonly) {
  if (!claim.held) return;
  claim.held = false;
  if (claim.operand.by_ref) {
    release_for_copy(*claim.table, GrantRef{static_cast<uint32_t>(claim.operand.name)}, readonly, claim);
  }
  if (!readonly) put_page_type(claim.mfn);
  put_page(claim.mfn);
}

void GrantCopier::let_go() {
  drop(source_, true);
  drop(destination_, false);
}

GrantStatus GrantCopier::find(const CopyOperand& operand, GrantTable*& table) const {
  table = domains_.any(caller_, operand.domid);
  if (table == nullptr) return GrantStatus::kBadDomain;
  const bool foreign = operand.domid != DOMID_SELF && !fault("copy.from_frame_of_anybody");
  return foreign && !operand.by_ref ? GrantStatus::kPermissionDenied : GrantStatus::kOkay;
}

GrantStatus GrantCopier::claim(const CopyOperand& operand, GrantTable& table, bool readonly, CopyClaim& claim) {
  if (same_name(claim, operand)) return GrantStatus::kOkay;
  drop(claim, readonly);
  claim = CopyClaim{.operand = operand, .table = &table};
  const GrantStatus status = operand.by_ref ? acquire_for_copy(table, GrantRef{static_cast<uint32_t>(operand.name)},
                                                               caller_.id, readonly, domains_.by_id, claim)
                                            : claim_frame(*table.memory, operand.name, readonly, claim);
  if (status != GrantStatus::kOkay) return status;
  if (!readonly && !get_page_type(claim.mfn, PageType::kWritable).ok()) {
    if (operand.by_ref) release_for_copy(table, GrantRef{static_cast<uint32_t>(operand.name)}, readonly, claim);
    if (!fault("copy.failed_claim_leaks_page")) put_page(claim.mfn);
    return GrantStatus::kGeneralError;
  }
  claim.held = true;
  return GrantStatus::kOkay;
}

GrantStatus GrantCopier::copy_claimed(const CopyOperand& source, const CopyOperand& destination, uint32_t bytes) {
  if (source.offset + bytes > kPageSize || destination.offset + bytes > kPageSize) return GrantStatus::kBadCopyArg;
  if (!within(source_, source.offset, bytes) || !within(destination_, destination.offset, bytes)) {
    return GrantStatus::kGeneralError;
  }
  std::memmove(frame_bytes(destination_.mfn) + destination.offset, frame_bytes(source_.mfn) + source.offset, bytes);
  if (!fault("logdirty.grant_copy_missed")) log_dirty_mark_frame(destination_.mfn);
  return GrantStatus::kOkay;
}

GrantStatus GrantCopier::copy(const CopyOperand& source, const CopyOperand& destination, uint32_t bytes) {
  GrantTable* from = nullptr;
  GrantTable* to = nullptr;
  GrantStatus status = find(source, from);
  if (status == GrantStatus::kOkay) status = find(destination, to);
  if (status == GrantStatus::kOkay) {
    if (from != source_.table || to != destination_.table) let_go();
    status = claim(source, *from, true, source_);
  }
  if (status == GrantStatus::kOkay) status = claim(destination, *to, false, destination_);
  if (status == GrantStatus::kOkay) status = copy_claimed(source, destination, bytes);
  if (status != GrantStatus::kOkay) let_go();
  return status;
}

}  // namespace hv
