/// What each request of the store's wire protocol means. Payloads come from guests: everything in them is checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/devices/xenstore.hpp"

namespace assay {

/// `type` is the request's, or XS_ERROR with the name of an errno value as payload. Never over XENSTORE_PAYLOAD_MAX.
struct StoreReply {
  uint32_t type = 0;
  std::string payload;
};

/// Carries out one request. ENOSYS unknown type; EACCES a type that only a control domain may use; EINVAL a malformed
/// payload; E2BIG the answer does not fit; else what the store returns. Source: xenstore.txt, operation by operation.
StoreReply answer(XenStore& store, const StoreCaller& caller, uint32_t type, std::string_view payload);

}  // namespace assay
