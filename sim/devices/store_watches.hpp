/// Who wants to hear of which path, and what each domain has not fetched yet.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/devices/store_state.hpp"

namespace assay {

struct StoreWatchEvent {
  std::string path;  ///< relative when the watch was
  std::string token;
  friend auto operator<=>(const StoreWatchEvent&, const StoreWatchEvent&) = default;
};

class StoreWatches {
 public:
  /// What a domain asked for. Two watches of a domain differ in path or token.
  struct Watch {
    std::string path;  ///< absolute or special
    std::string token;
    bool is_relative = false;
    [[nodiscard]] bool is_same(const Watch& other) const { return path == other.path && token == other.token; }
  };
  /// One domain's watches in the order in which they were set, and its events in the order in which they happened.
  struct Watcher {
    std::vector<Watch> watches;
    std::deque<StoreWatchEvent> pending;
    std::set<StoreWatchEvent> is_pending;  ///< the same events: one that waits already is not told twice
    uint64_t dropped = 0;                  ///< events that found the queue full
  };

  explicit StoreWatches(const StoreQuotas& quotas) : quotas_(quotas) {}

  /// Sets a watch and fires it once. EINVAL path; EEXIST the same watch; E2BIG quota.
  [[nodiscard]] int add(DomId domain, std::string_view path, std::string_view token);
  /// What is pending stays. EINVAL path; ENOENT no such watch.
  [[nodiscard]] int remove(DomId domain, std::string_view path, std::string_view token);
  /// Drops all watches of a domain and what is pending.
  void forget(DomId domain) { watchers_.erase(domain); }

  /// Tells everybody who watches the event's path and may read there.
  void fire(const StoreEvent& event);
  [[nodiscard]] bool has_event(DomId domain) const;
  std::optional<StoreWatchEvent> next_event(DomId domain);

  [[nodiscard]] const std::map<DomId, Watcher>& watchers() const { return watchers_; }

 private:
  void queue(DomId domain, Watcher& watcher, const Watch& watch, std::string_view path);

  StoreQuotas quotas_;
  std::map<DomId, Watcher> watchers_;
};

}  // namespace assay
