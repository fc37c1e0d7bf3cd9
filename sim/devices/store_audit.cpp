#include "sim/devices/store_audit.hpp"

#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

class Audit {
 public:
  explicit Audit(const XenStore& store) : store_(store) {}

  std::vector<std::string> run() {
    check_state(store_.state(), "store");
    for (const auto& [key, transaction] : store_.transactions()) {
      const std::string where = "transaction " + std::to_string(key.second);
      check_state(transaction.state, where + " of " + domain_path(key.first));
    }
    check_transactions();
    for (const auto& [domain, watcher] : store_.watches().watchers()) check_watcher(domain, watcher);
    return std::move(problems_);
  }

 private:
  void expect(bool holds, const std::string& what) {
    if (!holds) problems_.push_back(what);
  }

  void check_state(const StoreState& state, const std::string& where) {
    std::map<DomId, uint32_t> owned;
    check_node(*state.tree().find("/"), "/", where, owned);
    expect(owned == state.owned(), where + ": nodes are not counted against their owners");
  }

  void check_node(const StoreNode& node, const std::string& path, const std::string& where,
                  std::map<DomId, uint32_t>& owned) {
    const std::string at = where + ": " + path;
    expect(absolute_path(DomId{0}, path) == path, at + ": malformed path");
    expect(!node.permissions.empty(), at + ": nobody owns it");
    expect(node.generation != 0 && node.generation <= store_.generation(), at + ": impossible generation");
    if (!node.permissions.empty()) ++owned[node.permissions.front().domain];
    for (const auto& [name, child] : node.children) {
      expect(child != nullptr, at + ": a child that is not there");
      if (child != nullptr) check_node(*child, child_path(path, name), where, owned);
    }
  }

  void check_transactions() {
    std::map<DomId, uint32_t> open;
    for (const auto& [key, transaction] : store_.transactions()) {
      ++open[key.first];
      expect(key.second != 0, "a transaction without a number");
      const bool is_short = transaction.touched.size() <= store_.quotas().transaction_steps &&
                            transaction.changes.size() <= store_.quotas().transaction_steps;
      expect(is_short || is_privileged(key.first), "a transaction that is too long");
    }
    for (const auto& [domain, count] : open) {
      expect(count <= store_.quotas().transactions || is_privileged(domain),
             domain_path(domain) + ": too many transactions");
    }
  }

  void check_watcher(DomId domain, const StoreWatches::Watcher& watcher) {
    const std::string who = domain_path(domain);
    expect(watcher.watches.size() <= store_.quotas().watches || is_privileged(domain), who + ": too many watches");
    expect(watcher.pending.size() <= store_.quotas().pending_events, who + ": too many pending events");
    const std::set<StoreWatchEvent> pending(watcher.pending.begin(), watcher.pending.end());
    expect(pending == watcher.is_pending && pending.size() == watcher.pending.size(), who + ": pending events differ");
  }

  const XenStore& store_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> audit(const XenStore& store) {
  return Audit(store).run();
}

}  // namespace assay
