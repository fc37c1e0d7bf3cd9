/// Grants in use for copies: whole pages, parts of pages, and one domain's grant of what another granted it.
#include "hv/base/fault.hpp"
#include "hv/grant/copy.hpp"
#include "hv/grant/entries.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

PinKind kind_of(bool readonly) {
  return readonly ? PinKind::kHostRead : PinKind::kHostWrite;
}

struct Acquisition {
  GrantTable& table;
  GrantRef ref;
  DomId user;
  bool readonly;

  [[nodiscard]] SharedEntry entry() const { return shared_entry(table, ref); }
  [[nodiscard]] ActiveGrant& active() const { return active_grant(table, ref); }
  [[nodiscard]] bool must_note() const { return !active().pins.any() || (!readonly && !active().pins.any_writer()); }
};

bool transitive(const SharedEntry& entry) {
  return entry.v2 != nullptr && (entry.header->flags & GTF_type_mask) == GTF_transitive;
}

GrantStatus check(const Acquisition& a) {
  if (a.ref.raw() >= refs_of(a.table)) return GrantStatus::kBadRef;
  const ActiveGrant& active = a.active();
  const bool usable =
      !active.pins.any() || (active.user == a.user && active.pins[kind_of(a.readonly)] < Pins::kPinsMax);
  if (!usable) return GrantStatus::kGeneralError;
  return a.must_note() ? note_use(a.entry(), active, a.user, a.readonly, Use::kCopy) : GrantStatus::kOkay;
}

void describe(const Acquisition& a, const CopyClaim& claim) {
  a.active() = {.pins = {},
                .user = a.user,
                .start = static_cast<uint16_t>(claim.start),
                .length = static_cast<uint16_t>(claim.length),
                .sub_page = claim.inner != nullptr || (a.entry().header->flags & GTF_sub_page) != 0,
                .frame = static_cast<uint32_t>(claim.mfn.raw()),
                .inner_ref = claim.inner_ref.raw(),
                .inner = claim.inner};
}

/// A grant with pins on it stands for what it stood for at the first of them.
GrantStatus claim_pinned(const Acquisition& a, CopyClaim& claim) {
  const ActiveGrant& active = a.active();
  if (get_page_and_owner(active.mfn()) == nullptr) return GrantStatus::kGeneralError;
  claim.mfn = active.mfn();
  claim.start = active.start;
  claim.length = active.length;
  return GrantStatus::kOkay;
}

GrantStatus claim_first(const Acquisition& a, CopyClaim& claim) {
  const SharedEntry entry = a.entry();
  const bool part = entry.v2 != nullptr && (entry.header->flags & GTF_sub_page) != 0;
  const GrantedFrame held = hold_granted_frame(*a.table.memory, entry.frame());
  if (held.status != GrantStatus::kOkay) return held.status;
  claim.mfn = held.mfn;
  claim.start = part ? entry.v2->sub_page.page_off : 0;
  claim.length = part ? entry.v2->sub_page.length : static_cast<uint32_t>(kPageSize);
  describe(a, claim);
  return GrantStatus::kOkay;
}

/// One's own memory, all of it or a part. The lock is held.
GrantStatus acquire_plain(const Acquisition& a, CopyClaim& claim) {
  const GrantStatus status =
      a.active().pins.any() && !fault("copy.pinned_grant_reread") ? claim_pinned(a, claim) : claim_first(a, claim);
  if (status == GrantStatus::kOkay) ++a.active().pins[kind_of(a.readonly)];
  note_unused(a.entry(), a.active(), a.readonly);
  return status;
}

GrantStatus acquire(const Acquisition& a, GrantTableOf by_id, CopyClaim& claim);

/// What the entry named while its own table was unlocked must be what it still names.
bool unchanged(const Acquisition& a, const Pins& before, const CopyClaim& claim) {
  const ActiveGrant& active = a.active();
  if (a.table.version != 2 || active.pins.count != before.count) return false;
  if (!active.pins.any()) return true;
  return active.user == a.user && active.mfn() == claim.mfn && active.start == claim.start &&
         active.length == claim.length && active.inner == claim.inner && active.inner_ref == claim.inner_ref.raw();
}

/// The grant behind a transitive one. The entry's lock is held at entry and exit but not in between.
GrantStatus acquire_transitive(const Acquisition& a, GrantTableOf by_id, CopyClaim& claim) {
  const DomId domain{a.entry().v2->transitive.trans_domid};
  const GrantRef ref{a.entry().v2->transitive.gref};
  const Pins before = a.active().pins;
  GrantTable* inner = by_id == nullptr || domain == a.table.id ? nullptr : by_id(domain);
  GrantStatus status = GrantStatus::kGeneralError;
  if (inner != nullptr) {
    a.table.lock.unlock();
    status = acquire({*inner, ref, a.table.id, a.readonly}, fault("copy.transitive_twice") ? by_id : nullptr, claim);
    a.table.lock.lock();
  }
  if (status == GrantStatus::kOkay) {
    claim.inner = inner;
    claim.inner_ref = ref;
    if (unchanged(a, before, claim)) {
      if (!a.active().pins.any()) describe(a, claim);
      ++a.active().pins[kind_of(a.readonly)];
      ++a.table.transitive_copies;
      return status;
    }
    // The table's lock must not be held when another one's is taken.
    a.table.lock.unlock();
    const CopyClaim inner_only{.mfn = claim.mfn};
    release_for_copy(*inner, ref, a.readonly, inner_only);
    put_page(claim.mfn);
    a.table.lock.lock();
    claim.inner = nullptr;
    status = GrantStatus::kRestart;
  }
  const bool forgotten = fault("copy.transitive_failure_stays_noted");
  if (a.ref.raw() < refs_of(a.table) && !forgotten) note_unused(a.entry(), a.active(), a.readonly);
  return status;
}

GrantStatus acquire(const Acquisition& a, GrantTableOf by_id, CopyClaim& claim) {
  const LockGuard guard(a.table.lock);
  const GrantStatus status = check(a);
  if (status != GrantStatus::kOkay) return status;
  return transitive(a.entry()) ? acquire_transitive(a, by_id, claim) : acquire_plain(a, claim);
}

}  // namespace

GrantStatus acquire_for_copy(GrantTable& table, GrantRef ref, DomId user, bool readonly, GrantTableOf by_id,
                             CopyClaim& claim) {
  return acquire({table, ref, user, readonly}, by_id, claim);
}

void release_for_copy(GrantTable& table, GrantRef ref, bool readonly, const CopyClaim& claim) {
  {
    const LockGuard guard(table.lock);
    ActiveGrant& active = active_grant(table, ref);
    HV_ASSERT(active.pins[kind_of(readonly)] > 0);
    --active.pins[kind_of(readonly)];
    note_unused(shared_entry(table, ref), active, readonly);
    if (claim.inner != nullptr) --table.transitive_copies;
  }
  if (claim.inner != nullptr && !fault("copy.transitive_release_leaks_inner"))
    release_for_copy(*claim.inner, claim.inner_ref, readonly, CopyClaim{});
}

}  // namespace hv
