/// SCHEDOP_watchdog: two timers a domain, either of which shuts it down.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

constexpr uint32_t kWatchdogs = 2;

/// `id` 0: takes a free timer and arms it; the result is its id (1 or 2), or ENOSPC. Otherwise re-arms timer `id`, or
/// frees it when `timeout_s` is 0. Errors, in order: EINVAL id above 2; ENOSPC; EINVAL not in use.
Result<uint32_t> watchdog_set(Domain& domain, uint32_t id, uint32_t timeout_s, uint32_t pcpu);
/// Frees both. When a domain dies.
void watchdogs_stop(Domain& domain);

}  // namespace hv
