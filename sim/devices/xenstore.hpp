/// The store that domain 0 keeps for all domains: a tree of small values with permissions, transactions and watches.
///
/// Nothing here knows how requests arrive: xenstore_wire.hpp speaks the protocol for guests, domain 0's side calls
/// these functions. Source of the rules: xenstore.txt; where it is silent, the behaviour of the C daemon of Xen 4.17.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/devices/store_state.hpp"
#include "sim/devices/store_watches.hpp"

namespace assay {

/// On whose behalf, and within which of that domain's transactions (0: none).
struct StoreCaller {
  DomId domain;
  uint32_t transaction = 0;
};

/// Names of children, in order. While the generation is the same, so are they.
struct StoreListing {
  uint64_t generation = 0;
  std::vector<std::string> names;
};

/// All operations return 0 or an errno value and change nothing on an error. First of all: ENOENT no such transaction;
/// EINVAL the path is malformed. Then what StoreState says. A copy of a store is a snapshot of it.
class XenStore {
 public:
  /// Open transaction: what it started from, what it made of that, and what it depended on.
  struct Transaction {
    StoreTree base;
    StoreState state;
    std::set<std::string, std::less<>> touched;
    std::vector<StoreChange> changes;
  };

  explicit XenStore(const StoreQuotas& quotas = {});

  [[nodiscard]] StoreResult<std::string> read(const StoreCaller& caller, std::string_view path);
  [[nodiscard]] StoreResult<StoreListing> directory(const StoreCaller& caller, std::string_view path);
  /// Also of the special watch paths, which only domain 0 can change.
  [[nodiscard]] StoreResult<StorePermissions> permissions(const StoreCaller& caller, std::string_view path);
  /// Missing parents are created. Within a transaction also ENOSPC: it has become too long. So for all changes.
  [[nodiscard]] int write(const StoreCaller& caller, std::string_view path, std::string_view value);
  [[nodiscard]] int mkdir(const StoreCaller& caller, std::string_view path);
  [[nodiscard]] int remove(const StoreCaller& caller, std::string_view path);
  [[nodiscard]] int set_permissions(const StoreCaller& caller, std::string_view path,
                                    const StorePermissions& permissions);

  /// A number for StoreCaller::transaction. EBUSY within a transaction; ENOSPC too many are open.
  [[nodiscard]] StoreResult<uint32_t> start_transaction(const StoreCaller& caller);
  /// The transaction is over whatever this returns. ENOENT no such transaction. To commit: EAGAIN something that it
  /// read or wrote was changed meanwhile; ENOSPC quota. Watches fire for what was committed.
  [[nodiscard]] int end_transaction(const StoreCaller& caller, bool commit);

  /// Paths may be special. EINVAL path; EEXIST, ENOENT the watch; E2BIG quota. A new watch fires once at once.
  [[nodiscard]] int watch(DomId domain, std::string_view path, std::string_view token);
  [[nodiscard]] int unwatch(DomId domain, std::string_view path, std::string_view token);
  /// What `domain` has not been told yet, oldest first.
  std::optional<StoreWatchEvent> next_event(DomId domain) { return watches_.next_event(domain); }
  [[nodiscard]] bool has_event(DomId domain) const { return watches_.has_event(domain); }
  /// Drops the domain's watches, events and transactions.
  void reset(DomId domain);

  /// A domain is connected from now on. Fires @introduceDomain, also for one that is connected already.
  void introduce(DomId domain);
  /// A domain is gone: as reset(), and it loses every right in the tree. Fires @releaseDomain. What it wrote stays, for
  /// domain 0 to remove.
  void release(DomId domain);
  [[nodiscard]] bool is_introduced(DomId domain) const { return introduced_.contains(domain); }

  // For audits.
  [[nodiscard]] const StoreQuotas& quotas() const { return quotas_; }
  [[nodiscard]] const StoreState& state() const { return state_; }
  [[nodiscard]] const StoreWatches& watches() const { return watches_; }
  [[nodiscard]] const std::map<std::pair<DomId, uint32_t>, Transaction>& transactions() const { return transactions_; }
  [[nodiscard]] uint64_t generation() const { return generation_; }

 private:
  /// Null without error: outside of transactions.
  [[nodiscard]] StoreResult<Transaction*> transaction_of(const StoreCaller& caller);
  [[nodiscard]] StoreResult<const StoreNode*> look(const StoreCaller& caller, std::string_view path);
  [[nodiscard]] int change(const StoreCaller& caller, std::string_view path, StoreChange change);
  [[nodiscard]] int change_within(Transaction& transaction, DomId caller, StoreChange change);
  /// False: the transaction has become too long, and what was traced does not count.
  [[nodiscard]] bool note(Transaction& transaction, DomId caller, const StoreTrace& trace) const;
  [[nodiscard]] bool has_conflict(const Transaction& transaction) const;
  [[nodiscard]] int commit(DomId caller, const Transaction& transaction);
  void fire(const std::vector<StoreEvent>& events);
  void fire_special(const std::string& path);

  StoreQuotas quotas_;
  StoreState state_;
  StoreWatches watches_;
  std::map<std::pair<DomId, uint32_t>, Transaction> transactions_;
  std::map<DomId, uint32_t> last_transaction_;
  std::set<DomId> introduced_;
  std::map<std::string, StorePermissions, std::less<>> specials_;
  uint64_t generation_ = 1;
};

}  // namespace assay
