#include "sim/devices/store_permissions.hpp"

#include <algorithm>

#include "sim/devices/store_path.hpp"

namespace assay {

namespace {

/// By value of StoreAccess.
constexpr std::string_view kLetters = "nrwb";

StoreAccess access_of(const StorePermissions& permissions, DomId domain) {
  const auto own_entry = std::ranges::find(permissions, domain, &StorePermission::domain);
  return own_entry == permissions.end() ? permissions.front().access : own_entry->access;
}

}  // namespace

bool is_privileged(DomId domain) {
  return domain == DomId{0};
}

bool owns(const StorePermissions& permissions, DomId domain) {
  return is_privileged(domain) || permissions.front().domain == domain;
}

bool allows(const StorePermissions& permissions, DomId domain, StoreAccess need) {
  if (owns(permissions, domain)) return true;
  const auto needed = static_cast<unsigned>(need);
  return (static_cast<unsigned>(access_of(permissions, domain)) & needed) == needed;
}

std::string format(const StorePermission& permission) {
  return kLetters[static_cast<size_t>(permission.access)] + std::to_string(permission.domain.raw());
}

std::optional<StorePermission> parse_permission(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const size_t letter = kLetters.find(text.front());
  const std::optional<DomId> domain = parse_domid(text.substr(1));
  if (letter == std::string_view::npos || !domain) return std::nullopt;
  return StorePermission{*domain, static_cast<StoreAccess>(letter)};
}

}  // namespace assay
