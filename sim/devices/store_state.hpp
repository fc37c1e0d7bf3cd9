/// A tree with the rules of who may change it and how much each domain may keep in it. The store has one; every open
/// transaction works on a copy.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/devices/store_tree.hpp"

namespace assay {

/// Limits on what an unprivileged domain may use. Values: defaults of the store daemon of Xen 4.17, but for
/// `entry_bytes`, where the daemon also counts headers and permissions, and the last two, which are ours.
struct StoreQuotas {
  uint32_t entries = 1000;      ///< nodes owned
  uint32_t entry_bytes = 2048;  ///< of one node: its value, and the names of its children with a nul each
  uint32_t permissions = 5;     ///< of one node
  uint32_t watches = 128;
  uint32_t transactions = 10;         ///< open at a time
  uint32_t transaction_steps = 1024;  ///< paths touched, and changes made, in one transaction
  uint32_t pending_events = 1024;     ///< holds for domain 0 too: what nobody fetches must not pile up
};

/// What an operation came to: `value` holds only when `error` is 0, otherwise that is an errno value.
template <typename T>
struct StoreResult {
  int error = 0;
  T value{};
};

struct StoreChange {
  enum class Kind : uint8_t { kWrite, kMkdir, kRemove, kSetPermissions };
  Kind kind = Kind::kMkdir;
  std::string path;  ///< absolute, valid
  std::string value;
  StorePermissions permissions;
};

/// Something happened at `path`: a reason to tell watchers.
struct StoreEvent {
  std::string path;
  /// It went away together with a node above it: watchers of that one are told about that one alone.
  bool is_part_of_removal = false;
  /// Whoever may read by one of these may be told: the node before and after, and its parent, which lists it.
  std::vector<StorePermissions> readable_by;
};

/// What an operation depended on, and what it did.
struct StoreTrace {
  std::set<std::string, std::less<>> touched;
  std::vector<StoreEvent> events;
};

class StoreState {
 public:
  explicit StoreState(const StoreQuotas& quotas);

  /// The node, for somebody who needs that access.
  /// Errors: EACCES the node does not allow it, or there is none and the nearest node above does not allow it; ENOENT.
  [[nodiscard]] StoreResult<const StoreNode*> get(DomId caller, std::string_view path, StoreAccess need,
                                                  StoreTrace& trace) const;
  /// Makes one change, or returns an errno value and changes nothing. Nodes that change get this generation.
  /// Write, mkdir: as get; ENOSPC quota. New nodes take permissions from above and belong to an unprivileged creator.
  /// Remove: as get, but no error when only the last name is missing; EINVAL the root.
  /// Permissions: EINVAL none; ENOSPC too many; as get; EACCES not the owner; EPERM another owner.
  [[nodiscard]] int apply(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace);
  /// A domain is gone: domain 0 gets what it owned, and nobody else who gets its id inherits its rights.
  void forget(DomId domain, uint64_t generation);

  [[nodiscard]] const StoreTree& tree() const { return tree_; }
  /// Nodes by owner; no entry for none.
  [[nodiscard]] const std::map<DomId, uint32_t>& owned() const { return owned_; }

 private:
  int store(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace);
  int create(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace);
  int remove(DomId caller, const std::string& path, uint64_t generation, StoreTrace& trace);
  int set_permissions(DomId caller, const StoreChange& change, uint64_t generation, StoreTrace& trace);
  /// Counts and reports it; the caller takes it out of the tree.
  void account_removal(const std::string& top, const StoreNode& node, StoreTrace& trace);
  [[nodiscard]] bool fits(DomId caller, size_t entry_bytes) const;
  [[nodiscard]] bool may_create(DomId caller, const StoreNode& above, const std::vector<std::string>& names,
                                size_t value_bytes) const;
  void add_owned(DomId domain, size_t count);
  void drop_owned(DomId domain);
  [[nodiscard]] StoreEvent event_at(std::string_view path) const;

  StoreQuotas quotas_;
  StoreTree tree_;
  std::map<DomId, uint32_t> owned_;
};

/// What counts against StoreQuotas::entry_bytes.
size_t entry_bytes(const StoreNode& node);

/// Drops the entries of `domain`; domain 0 owns what it owned.
void forget_domain(StorePermissions& permissions, DomId domain);

}  // namespace assay
