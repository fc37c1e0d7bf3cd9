#include "sim/devices/xenstore.hpp"

#include <algorithm>
#include <cerrno>

#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

constexpr const char* kIntroduceDomain = "@introduceDomain";
constexpr const char* kReleaseDomain = "@releaseDomain";

StoreChange make_change(StoreChange::Kind kind) {
  StoreChange change;
  change.kind = kind;
  return change;
}

}  // namespace

XenStore::XenStore(const StoreQuotas& quotas) : quotas_(quotas), state_(quotas), watches_(quotas) {
  for (const char* path : {kIntroduceDomain, kReleaseDomain}) specials_[path] = {{DomId{0}, StoreAccess::kNone}};
}

StoreResult<XenStore::Transaction*> XenStore::transaction_of(const StoreCaller& caller) {
  if (caller.transaction == 0) return {};
  const auto found = transactions_.find({caller.domain, caller.transaction});
  if (found == transactions_.end()) return {ENOENT};
  return {0, &found->second};
}

StoreResult<const StoreNode*> XenStore::look(const StoreCaller& caller, std::string_view path) {
  const StoreResult<Transaction*> transaction = transaction_of(caller);
  if (transaction.error != 0) return {transaction.error};
  const std::optional<std::string> absolute = absolute_path(caller.domain, path);
  if (!absolute) return {EINVAL};
  StoreTrace trace;
  const StoreState& state = transaction.value != nullptr ? transaction.value->state : state_;
  const StoreResult<const StoreNode*> found = state.get(caller.domain, *absolute, StoreAccess::kRead, trace);
  const bool is_noted = transaction.value == nullptr || note(*transaction.value, caller.domain, trace);
  return is_noted ? found : StoreResult<const StoreNode*>{ENOSPC};
}

StoreResult<std::string> XenStore::read(const StoreCaller& caller, std::string_view path) {
  const StoreResult<const StoreNode*> node = look(caller, path);
  if (node.error != 0) return {node.error};
  return {0, node.value->value};
}

StoreResult<StoreListing> XenStore::directory(const StoreCaller& caller, std::string_view path) {
  const StoreResult<const StoreNode*> node = look(caller, path);
  if (node.error != 0) return {node.error};
  StoreListing listing;
  listing.generation = node.value->generation;
  for (const auto& [name, child] : node.value->children) listing.names.push_back(name);
  return {0, std::move(listing)};
}

StoreResult<StorePermissions> XenStore::permissions(const StoreCaller& caller, std::string_view path) {
  if (const auto special = specials_.find(path); special != specials_.end()) {
    if (!allows(special->second, caller.domain, StoreAccess::kRead)) return {EACCES};
    return {0, special->second};
  }
  const StoreResult<const StoreNode*> node = look(caller, path);
  if (node.error != 0) return {node.error};
  return {0, node.value->permissions};
}

int XenStore::write(const StoreCaller& caller, std::string_view path, std::string_view value) {
  StoreChange write = make_change(StoreChange::Kind::kWrite);
  write.value = value;
  return change(caller, path, std::move(write));
}

int XenStore::mkdir(const StoreCaller& caller, std::string_view path) {
  return change(caller, path, make_change(StoreChange::Kind::kMkdir));
}

int XenStore::remove(const StoreCaller& caller, std::string_view path) {
  return change(caller, path, make_change(StoreChange::Kind::kRemove));
}

int XenStore::set_permissions(const StoreCaller& caller, std::string_view path, const StorePermissions& permissions) {
  if (const auto special = specials_.find(path); special != specials_.end()) {
    if (permissions.empty()) return EINVAL;
    if (!is_privileged(caller.domain)) return EACCES;
    special->second = permissions;
    return 0;
  }
  StoreChange set = make_change(StoreChange::Kind::kSetPermissions);
  set.permissions = permissions;
  return change(caller, path, std::move(set));
}

int XenStore::change(const StoreCaller& caller, std::string_view path, StoreChange change) {
  const StoreResult<Transaction*> transaction = transaction_of(caller);
  if (transaction.error != 0) return transaction.error;
  std::optional<std::string> absolute = absolute_path(caller.domain, path);
  if (!absolute) return EINVAL;
  change.path = *std::move(absolute);
  if (transaction.value != nullptr) return change_within(*transaction.value, caller.domain, std::move(change));
  StoreTrace trace;
  const int error = state_.apply(caller.domain, change, ++generation_, trace);
  fire(trace.events);
  return error;
}

int XenStore::change_within(Transaction& transaction, DomId caller, StoreChange change) {
  if (!is_privileged(caller) && transaction.changes.size() >= quotas_.transaction_steps) return ENOSPC;
  StoreState attempt = transaction.state;
  StoreTrace trace;
  const int error = attempt.apply(caller, change, ++generation_, trace);
  if (!note(transaction, caller, trace)) return ENOSPC;
  if (error != 0) return error;
  transaction.state = std::move(attempt);
  transaction.changes.push_back(std::move(change));
  return 0;
}

bool XenStore::note(Transaction& transaction, DomId caller, const StoreTrace& trace) const {
  const auto is_new = [&](const std::string& path) { return !transaction.touched.contains(path); };
  const auto added = static_cast<size_t>(std::ranges::count_if(trace.touched, is_new));
  if (!is_privileged(caller) && transaction.touched.size() + added > quotas_.transaction_steps) return false;
  transaction.touched.insert(trace.touched.begin(), trace.touched.end());
  return true;
}

StoreResult<uint32_t> XenStore::start_transaction(const StoreCaller& caller) {
  const StoreResult<Transaction*> outer = transaction_of(caller);
  if (outer.error != 0) return {outer.error};
  if (outer.value != nullptr) return {EBUSY};
  const auto first = transactions_.lower_bound({caller.domain, 0});
  const auto last = transactions_.upper_bound({caller.domain, UINT32_MAX});
  if (!is_privileged(caller.domain) && std::distance(first, last) >= std::ptrdiff_t{quotas_.transactions}) {
    return {ENOSPC};
  }
  uint32_t& id = last_transaction_[caller.domain];
  do {
    ++id;
  } while (id == 0 || transactions_.contains({caller.domain, id}));
  transactions_.emplace(std::pair{caller.domain, id}, Transaction{state_.tree(), state_, {}, {}});
  return {0, id};
}

int XenStore::end_transaction(const StoreCaller& caller, bool is_commit) {
  const auto ended = transactions_.extract({caller.domain, caller.transaction});
  if (ended.empty()) return ENOENT;
  return is_commit ? commit(caller.domain, ended.mapped()) : 0;
}

bool XenStore::has_conflict(const Transaction& transaction) const {
  return std::ranges::any_of(transaction.touched, [&](const std::string& path) {
    return transaction.base.generation(path) != state_.tree().generation(path);
  });
}

/// All that the transaction depended on is as it was, so the same changes have the same effect, on top of what others
/// did elsewhere. Only their entries may have used up a quota since.
int XenStore::commit(DomId caller, const Transaction& transaction) {
  if (has_conflict(transaction)) return EAGAIN;
  StoreState attempt = state_;
  StoreTrace trace;
  for (const StoreChange& change : transaction.changes) {
    const int error = attempt.apply(caller, change, ++generation_, trace);
    if (error != 0) return error == ENOSPC ? ENOSPC : EAGAIN;
  }
  state_ = std::move(attempt);
  fire(trace.events);
  return 0;
}

int XenStore::watch(DomId domain, std::string_view path, std::string_view token) {
  return watches_.add(domain, path, token);
}

int XenStore::unwatch(DomId domain, std::string_view path, std::string_view token) {
  return watches_.remove(domain, path, token);
}

void XenStore::reset(DomId domain) {
  watches_.forget(domain);
  transactions_.erase(transactions_.lower_bound({domain, 0}), transactions_.upper_bound({domain, UINT32_MAX}));
}

void XenStore::introduce(DomId domain) {
  introduced_.insert(domain);
  fire_special(kIntroduceDomain);
}

void XenStore::release(DomId domain) {
  introduced_.erase(domain);
  last_transaction_.erase(domain);
  reset(domain);
  if (!is_privileged(domain)) {
    state_.forget(domain, ++generation_);
    for (auto& [path, permissions] : specials_) forget_domain(permissions, domain);
  }
  fire_special(kReleaseDomain);
}

void XenStore::fire(const std::vector<StoreEvent>& events) {
  for (const StoreEvent& event : events) watches_.fire(event);
}

void XenStore::fire_special(const std::string& path) {
  watches_.fire({path, false, {specials_.at(path)}});
}

}  // namespace assay
