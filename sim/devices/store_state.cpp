#include "sim/devices/store_state.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

StoreNode make_node(std::string value, StorePermissions permissions, uint64_t generation) {
  StoreNode node;
  node.value = std::move(value);
  node.permissions = std::move(permissions);
  node.generation = generation;
  return node;
}

size_t name_bytes(std::string_view name) {
  return name.size() + 1;
}

/// The names that lead from `above` down to `path`.
std::vector<std::string> names_between(std::string_view above, std::string_view path) {
  std::vector<std::string> names;
  for (; path != above; path = parent_path(path)) names.emplace_back(leaf_name(path));
  std::ranges::reverse(names);
  return names;
}

/// Every path at and below `path`, parents first.
void visit(const StoreNode& node, const std::string& path, const auto& see) {
  see(path, node);
  for (const auto& [name, child] : node.children) visit(*child, child_path(path, name), see);
}

}  // namespace

size_t entry_bytes(const StoreNode& node) {
  size_t bytes = node.value.size();
  for (const auto& [name, child] : node.children) bytes += name_bytes(name);
  return bytes;
}

void forget_domain(StorePermissions& permissions, DomId domain) {
  const auto others = std::remove_if(permissions.begin() + 1, permissions.end(),
                                     [domain](const StorePermission& entry) { return entry.domain == domain; });
  permissions.erase(others, permissions.end());
  if (permissions.front().domain == domain) permissions.front().domain = DomId{0};
}

StoreState::StoreState(const StoreQuotas& quotas)
    : quotas_(quotas), tree_(make_node("", {{DomId{0}, StoreAccess::kNone}}, 1)), owned_{{DomId{0}, 1}} {}

StoreResult<const StoreNode*> StoreState::get(DomId caller, std::string_view path, StoreAccess need,
                                              StoreTrace& trace) const {
  trace.touched.emplace(path);
  const StoreNode* const node = tree_.find(path);
  if (node != nullptr) return {allows(node->permissions, caller, need) ? 0 : EACCES, node};
  // Whether a name is free is for those to know who may look at, or change, what is above it.
  const std::string_view above = tree_.nearest_existing(path);
  trace.touched.emplace(above);
  return {allows(tree_.find(above)->permissions, caller, need) ? ENOENT : EACCES, nullptr};
}

int StoreState::apply(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace) {
  switch (change.kind) {
    case StoreChange::Kind::kWrite:
    case StoreChange::Kind::kMkdir:
      return store(caller, change, generation, trace);
    case StoreChange::Kind::kRemove:
      return remove(caller, change.path, generation, trace);
    case StoreChange::Kind::kSetPermissions:
      return set_permissions(caller, change, generation, trace);
  }
  return EINVAL;
}

int StoreState::store(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace) {
  const StoreResult<const StoreNode*> found = get(caller, change.path, StoreAccess::kWrite, trace);
  if (found.error == ENOENT) return create(caller, change, generation, trace);
  if (found.error != 0 || change.kind == StoreChange::Kind::kMkdir) return found.error;
  if (!fits(caller, entry_bytes(*found.value) - found.value->value.size() + change.value.size())) return ENOSPC;
  StoreNode& node = tree_.change(change.path);
  node.value = change.value;
  node.generation = generation;
  trace.events.push_back(event_at(change.path));
  return 0;
}

bool StoreState::fits(DomId caller, size_t bytes) const {
  return is_privileged(caller) || bytes <= quotas_.entry_bytes;
}

bool StoreState::may_create(DomId caller, const StoreNode& above, const std::vector<std::string>& names,
                            size_t value_bytes) const {
  if (is_privileged(caller)) return true;
  const auto owned = owned_.find(caller);
  const size_t owned_now = owned == owned_.end() ? 0 : owned->second;
  if (owned_now + names.size() > quotas_.entries) return false;
  const bool parents_fit = std::all_of(names.begin() + 1, names.end(),
                                       [&](const std::string& name) { return fits(caller, name_bytes(name)); });
  return parents_fit && fits(caller, entry_bytes(above) + name_bytes(names.front())) && fits(caller, value_bytes);
}

int StoreState::create(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace) {
  const std::string_view above = tree_.nearest_existing(change.path);
  const std::vector<std::string> names = names_between(above, change.path);
  if (!may_create(caller, *tree_.find(above), names, change.value.size())) return ENOSPC;

  StoreNode* node = &tree_.change(above);
  node->generation = generation;
  StorePermissions permissions = node->permissions;
  if (!is_privileged(caller)) permissions.front().domain = caller;
  std::string path(above);
  for (const std::string& name : names) {
    path = child_path(path, name);
    trace.touched.insert(path);
    auto child = std::make_shared<StoreNode>(make_node("", permissions, generation));
    node = node->children.emplace(name, std::move(child)).first->second.get();
  }
  node->value = change.value;
  add_owned(permissions.front().domain, names.size());
  trace.events.push_back(event_at(change.path));
  return 0;
}

int StoreState::remove(DomId caller, const std::string& path, uint64_t generation, StoreTrace& trace) {
  const StoreResult<const StoreNode*> found = get(caller, path, StoreAccess::kWrite, trace);
  if (found.error == ENOENT) return tree_.find(parent_path(path)) == nullptr ? ENOENT : 0;
  if (found.error != 0) return found.error;
  if (path == "/") return EINVAL;
  const std::string_view above = parent_path(path);
  trace.touched.emplace(above);
  account_removal(path, *found.value, trace);
  StoreNode& parent = tree_.change(above);
  parent.generation = generation;
  parent.children.erase(std::string(leaf_name(path)));
  return 0;
}

void StoreState::account_removal(const std::string& top, const StoreNode& node, StoreTrace& trace) {
  visit(node, top, [&](const std::string& path, const StoreNode& gone) {
    trace.touched.insert(path);
    drop_owned(gone.permissions.front().domain);
    StoreEvent event = event_at(path);
    event.is_part_of_removal = path != top;
    trace.events.push_back(std::move(event));
  });
}

int StoreState::set_permissions(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace) {
  if (change.permissions.empty()) return EINVAL;
  const bool is_free = is_privileged(caller);
  if (!is_free && change.permissions.size() > quotas_.permissions) return ENOSPC;
  const StoreResult<const StoreNode*> found = get(caller, change.path, StoreAccess::kWrite, trace);
  if (found.error != 0) return found.error;
  if (!owns(found.value->permissions, caller)) return EACCES;
  if (!is_free && change.permissions.front().domain != caller) return EPERM;

  const StorePermissions before = found.value->permissions;
  StoreNode& node = tree_.change(change.path);
  node.permissions = change.permissions;
  node.generation = generation;
  drop_owned(before.front().domain);
  add_owned(change.permissions.front().domain, 1);
  trace.events.push_back(event_at(change.path));
  trace.events.back().readable_by.push_back(before);
  return 0;
}

void StoreState::forget(DomId domain, uint64_t generation) {
  std::vector<std::string> mentions;
  visit(*tree_.find("/"), "/", [&](const std::string& path, const StoreNode& node) {
    if (std::ranges::any_of(node.permissions, [domain](const auto& entry) { return entry.domain == domain; })) {
      mentions.push_back(path);
    }
  });
  for (const std::string& path : mentions) {
    StoreNode& node = tree_.change(path);
    drop_owned(node.permissions.front().domain);
    forget_domain(node.permissions, domain);
    add_owned(node.permissions.front().domain, 1);
    node.generation = generation;
  }
}

void StoreState::add_owned(DomId domain, size_t count) {
  owned_[domain] += static_cast<uint32_t>(count);
}

void StoreState::drop_owned(DomId domain) {
  if (--owned_.at(domain) == 0) owned_.erase(domain);
}

StoreEvent StoreState::event_at(std::string_view path) const {
  StoreEvent event;
  event.path = path;
  event.readable_by.push_back(tree_.find(path)->permissions);
  if (path != "/") event.readable_by.push_back(tree_.find(parent_path(path))->permissions);
  return event;
}

}  // namespace assay
