/// How many pCPUs a pool schedules together. Source: docs/misc/xen-command-line, sched-gran; docs/misc/hypfs-paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hv {

enum class Granularity : uint8_t { kCpu, kCore, kSocket };

/// "cpu", "core" or "socket".
[[nodiscard]] std::string_view granularity_name(Granularity granularity);
/// None: there is no such granularity.
[[nodiscard]] std::optional<Granularity> granularity_by_name(std::string_view name);
/// pCPUs that are scheduled together, numbered one after the other; 0: cores, or sockets, of this machine differ.
[[nodiscard]] uint32_t pcpus_together(Granularity granularity);

}  // namespace hv
