/// Who may do what with a node of the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/strong.hpp"

namespace assay {

enum class StoreAccess : uint8_t { kNone = 0, kRead = 1, kWrite = 2, kBoth = 3 };

struct StorePermission {
  DomId domain;
  StoreAccess access = StoreAccess::kNone;
  friend bool operator==(const StorePermission&, const StorePermission&) = default;
};

/// Never empty. The first entry names the owner, who may do everything; its access is that of all domains without an
/// entry of their own.
using StorePermissions = std::vector<StorePermission>;

/// Domain 0 may do everything.
bool is_privileged(DomId domain);
bool owns(const StorePermissions& permissions, DomId domain);
bool allows(const StorePermissions& permissions, DomId domain, StoreAccess need);

/// "r7", as on the wire.
std::string format(const StorePermission& permission);
/// Nothing unless `text` is one of r, w, b, n and a domain id.
std::optional<StorePermission> parse_permission(std::string_view text);

}  // namespace assay
