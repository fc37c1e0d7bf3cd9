#include "conformance/model/grant_model.hpp"

#include <algorithm>
#include <utility>

#include "sim/abi/xen.hpp"

namespace assay::model {

void GrantModel::add_domain(uint16_t id, uint32_t refs, uint32_t pages) {
  Domain& domain = domains_[id];
  domain.refs = refs;
  domain.pages.resize(pages);
}

void GrantModel::permit(uint16_t granter, uint32_t ref, uint16_t to, uint32_t page, bool is_readonly) {
  domain(granter).entries[ref] = {.type = GTF_permit_access, .is_readonly = is_readonly, .to = to, .page = page};
}

void GrantModel::revoke(uint16_t granter, uint32_t ref) {
  Domain& owner = domain(granter);
  Entry& entry = owner.entries[ref];
  entry.type = GTF_invalid;
  entry.is_readonly = false;
  if (owner.version == 1) entry.is_reading = entry.is_writing = false;
}

// A pinned grant stays what it was at the first pin; of the entry counts only whether it is read-only.
int16_t GrantModel::may_pin(uint16_t user, uint16_t granter, uint32_t ref, bool is_readonly) const {
  const auto& entries = domain(granter).entries;
  const auto found = entries.find(ref);
  const Entry entry = found == entries.end() ? Entry{} : found->second;
  const uint32_t pins = is_readonly ? entry.read_pins : entry.write_pins;
  if (entry.is_pinned() && (entry.pinned_by != user || pins >= kPinsMax)) return GNTST_general_error;
  if (!entry.is_pinned() && (entry.type != GTF_permit_access || entry.to != user)) return GNTST_general_error;
  if (needs_entry(entry, is_readonly) && entry.is_readonly && !is_readonly) return GNTST_general_error;
  return entry.is_pinned() || entry.page != kNoPage ? GNTST_okay : GNTST_bad_page;
}

bool GrantModel::needs_entry(const Entry& entry, bool is_readonly) {
  return !entry.is_pinned() || (!is_readonly && entry.write_pins == 0);
}

void GrantModel::pin(uint16_t user, uint16_t granter, uint32_t ref, bool is_readonly) {
  Entry& entry = domain(granter).entries[ref];
  if (needs_entry(entry, is_readonly)) {
    entry.is_reading = true;
    entry.is_writing = entry.is_writing || !is_readonly;
  }
  if (!entry.is_pinned()) {
    entry.pinned_by = user;
    entry.pinned_page = entry.page;
  }
  ++(is_readonly ? entry.read_pins : entry.write_pins);
}

void GrantModel::unpin(uint16_t granter, uint32_t ref, bool is_readonly) {
  Entry& entry = domain(granter).entries[ref];
  --(is_readonly ? entry.read_pins : entry.write_pins);
  if (entry.write_pins == 0) entry.is_writing = false;
  if (!entry.is_pinned()) entry.is_reading = false;
}

GrantModel::Mapped GrantModel::map(uint16_t mapper, uint16_t granter, uint32_t ref, uint32_t window, bool is_readonly) {
  if (!exists(granter)) return {GNTST_bad_domain};
  if (ref >= domain(granter).refs_now()) return {GNTST_bad_gntref};
  if (const int16_t status = may_pin(mapper, granter, ref, is_readonly)) return {status};
  pin(mapper, granter, ref, is_readonly);
  Domain& user = domain(mapper);
  const uint32_t number = user.next_mapping++;
  user.mappings[number] = {granter, ref, domain(granter).entries[ref].pinned_page, is_readonly, window};
  return {GNTST_okay, number};
}

int16_t GrantModel::unmap(uint16_t mapper, std::optional<uint32_t> mapping, std::optional<uint32_t> window) {
  auto& mappings = domain(mapper).mappings;
  const auto found = mapping ? mappings.find(*mapping) : mappings.end();
  if (found == mappings.end()) return GNTST_bad_handle;
  if (!window) return GNTST_okay;
  if (*window != found->second.window) return GNTST_general_error;
  const Mapping gone = found->second;
  mappings.erase(found);
  unpin(gone.granter, gone.ref, gone.is_readonly);
  return GNTST_okay;
}

// The page that a side names, pinned if it is a grant.
int16_t GrantModel::take(uint16_t caller, const Side& side, bool is_readonly, Page*& page) {
  if (!side.is_ref) {
    page = &domain(caller).pages[side.number];
    return GNTST_okay;
  }
  Domain& owner = domain(side.dom);
  if (side.number >= owner.refs_now()) return GNTST_bad_gntref;
  if (const int16_t status = may_pin(caller, side.dom, side.number, is_readonly)) return status;
  pin(caller, side.dom, side.number, is_readonly);
  page = &owner.pages[owner.entries[side.number].pinned_page];
  return GNTST_okay;
}

void GrantModel::let_go(const Side& side, bool is_readonly) {
  if (side.is_ref) unpin(side.dom, side.number, is_readonly);
}

int16_t GrantModel::copy(uint16_t caller, const Side& from, const Side& to) {
  if ((from.is_ref && !exists(from.dom)) || (to.is_ref && !exists(to.dom))) return GNTST_bad_domain;
  Page* source = nullptr;
  Page* destination = nullptr;
  if (const int16_t status = take(caller, from, true, source)) return status;
  const int16_t status = take(caller, to, false, destination);
  if (status == GNTST_okay) {
    (*destination)[to.word] = (*source)[from.word];
    let_go(to, false);
  }
  let_go(from, true);
  return status;
}

int16_t GrantModel::swap(uint16_t caller, uint32_t a, uint32_t b) {
  Domain& owner = domain(caller);
  if (a >= owner.refs_now() || b >= owner.refs_now()) return GNTST_bad_gntref;
  if (a == b) return GNTST_okay;
  if (owner.entries[a].is_pinned() || owner.entries[b].is_pinned()) return GNTST_eagain;
  std::swap(owner.entries[a], owner.entries[b]);
  return GNTST_okay;
}

int64_t GrantModel::set_version(uint16_t caller, uint32_t version) {
  if (version != 1 && version != 2) return -XEN_EINVAL;
  Domain& owner = domain(caller);
  if (version == owner.version) return 0;
  const auto holds = [](const auto& entry) { return entry.first >= kReserved && entry.second.is_pinned(); };
  if (std::ranges::any_of(owner.entries, holds)) return -XEN_EBUSY;
  owner.version = version;
  std::erase_if(owner.entries, [](const auto& entry) { return entry.first >= kReserved; });
  for (auto& [ref, entry] : owner.entries) {
    const bool is_dropped = version == 1 && entry.type == GTF_invalid;
    if (is_dropped) entry.is_reading = entry.is_writing = false;
  }
  return 0;
}

}  // namespace assay::model
