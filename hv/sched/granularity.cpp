#include "hv/sched/granularity.hpp"

#include <algorithm>
#include <iterator>

#include "hv/base/host.hpp"

namespace hv {

namespace {

constexpr std::string_view kNames[] = {"cpu", "core", "socket"};

}  // namespace

std::string_view granularity_name(Granularity granularity) {
  return kNames[static_cast<size_t>(granularity)];
}

std::optional<Granularity> granularity_by_name(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<Granularity>(found - kNames);
}

uint32_t pcpus_together(Granularity granularity) {
  uint32_t pcpus = 1;
  if (granularity != Granularity::kCpu) pcpus *= host().threads_per_core;
  if (granularity == Granularity::kSocket) pcpus *= host().cores_per_socket;
  return host().pcpus % pcpus == 0 ? pcpus : 0;
}

}  // namespace hv
