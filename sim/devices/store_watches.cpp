#include "sim/devices/store_watches.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "sim/devices/device_abi.hpp"
#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

std::optional<StoreWatches::Watch> make_watch(DomId domain, std::string_view path, std::string_view token) {
  if (is_valid_special_path(path)) return StoreWatches::Watch{std::string(path), std::string(token)};
  std::optional<std::string> absolute = absolute_path(domain, path);
  if (!absolute) return std::nullopt;
  return StoreWatches::Watch{*std::move(absolute), std::string(token), !path.starts_with('/')};
}

bool concerns(const StoreWatches::Watch& watch, const StoreEvent& event) {
  return event.is_part_of_removal ? event.path == watch.path : is_at_or_below(event.path, watch.path);
}

}  // namespace

int StoreWatches::add(DomId domain, std::string_view path, std::string_view token) {
  std::optional<Watch> watch = make_watch(domain, path, token);
  if (!watch) return EINVAL;
  Watcher& watcher = watchers_[domain];
  if (std::ranges::any_of(watcher.watches, [&](const Watch& old) { return old.is_same(*watch); })) return EEXIST;
  if (!is_privileged(domain) && watcher.watches.size() >= quotas_.watches) return E2BIG;
  queue(domain, watcher, *watch, watch->path);
  watcher.watches.push_back(*std::move(watch));
  return 0;
}

int StoreWatches::remove(DomId domain, std::string_view path, std::string_view token) {
  const std::optional<Watch> watch = make_watch(domain, path, token);
  if (!watch) return EINVAL;
  const auto watcher = watchers_.find(domain);
  if (watcher == watchers_.end()) return ENOENT;
  const auto is_same = [&](const Watch& old) { return old.is_same(*watch); };
  return std::erase_if(watcher->second.watches, is_same) == 0 ? ENOENT : 0;
}

void StoreWatches::fire(const StoreEvent& event) {
  for (auto& [domain, watcher] : watchers_) {
    const bool may_know = std::ranges::any_of(event.readable_by, [&](const StorePermissions& permissions) {
      return allows(permissions, domain, StoreAccess::kRead);
    });
    if (!may_know) continue;
    for (const Watch& watch : watcher.watches) {
      if (concerns(watch, event)) queue(domain, watcher, watch, event.path);
    }
  }
}

void StoreWatches::queue(DomId domain, Watcher& watcher, const Watch& watch, std::string_view path) {
  // A relative watch is told what lies behind the home of its domain and a slash.
  if (watch.is_relative) path.remove_prefix(domain_path(domain).size() + 1);
  // Longer than a message can be: the real store does not tell either.
  if (path.size() + watch.token.size() + 2 > XENSTORE_PAYLOAD_MAX) return;
  StoreWatchEvent event{std::string(path), watch.token};
  if (watcher.is_pending.contains(event)) return;
  if (watcher.pending.size() >= quotas_.pending_events) {
    ++watcher.dropped;
    return;
  }
  watcher.is_pending.insert(event);
  watcher.pending.push_back(std::move(event));
}

bool StoreWatches::has_event(DomId domain) const {
  const auto watcher = watchers_.find(domain);
  return watcher != watchers_.end() && !watcher->second.pending.empty();
}

std::optional<StoreWatchEvent> StoreWatches::next_event(DomId domain) {
  if (!has_event(domain)) return std::nullopt;
  Watcher& watcher = watchers_.at(domain);
  StoreWatchEvent event = std::move(watcher.pending.front());
  watcher.pending.pop_front();
  watcher.is_pending.erase(event);
  return event;
}

}  // namespace assay
