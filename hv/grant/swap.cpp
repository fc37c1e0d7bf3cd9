/// GNTTABOP_swap_grant_ref, and the search behind GNTTABOP_cache_flush.
#include <algorithm>
#include <utility>

#include "hv/base/fault.hpp"
#include "hv/grant/entries.hpp"
#include "hv/grant/grant_table.hpp"

namespace hv {

GrantStatus grant_swap(GrantTable& table, GrantRef a, GrantRef b) {
  const LockGuard guard(table.lock);
  const uint32_t refs = refs_of(table);
  if (a.raw() >= refs || b.raw() >= refs) return GrantStatus::kBadRef;
  if (a == b) return GrantStatus::kOkay;
  const bool busy = active_grant(table, b).pins.any() && !fault("grant.swap_looks_at_one");
  if (active_grant(table, a).pins.any() || busy) return GrantStatus::kTryAgain;
  const SharedEntry one = shared_entry(table, a);
  const SharedEntry other = shared_entry(table, b);
  if (one.v2 == nullptr) {
    std::swap(*reinterpret_cast<grant_entry_v1_t*>(one.header), *reinterpret_cast<grant_entry_v1_t*>(other.header));
  } else {
    std::swap(*one.v2, *other.v2);
    std::swap(*one.status, *other.status);
  }
  return GrantStatus::kOkay;
}

Search grant_search(GrantTable& owner, DomId user, Mfn mfn, uint32_t& next) {
  const LockGuard guard(owner.lock);
  const uint32_t refs = refs_of(owner);
  const uint32_t end = next < refs ? std::min(refs, next + kRefsPerLook) : next;
  for (; next < end; ++next) {
    const ActiveGrant& active = active_grant(owner, GrantRef{next});
    if (active.pins.any() && active.mfn() == mfn && (active.user == user || fault("grant.cache_flush_of_anybody")))
      return Search::kFound;
  }
  return next < refs ? Search::kNotYet : Search::kNotFound;
}

}  // namespace hv
