#include "sim/target/target.hpp"

#include <algorithm>
#include <utility>

namespace assay {

namespace {

constexpr std::array<std::pair<Capability, std::string_view>, 11> kNames{{
    {Capability::kDom0, "dom0"},
    {Capability::kPv64Guest, "pv64"},
    {Capability::kPvhGuest, "pvh"},
    {Capability::kTwoGuests, "two_domains"},
    {Capability::kThreeGuests, "three_domains"},
    {Capability::kMultiVcpu, "multi_vcpu"},
    {Capability::kConsoleText, "console"},
    {Capability::kVirtualTime, "virtual_time"},
    {Capability::kSteer, "steer"},
    {Capability::kRtds, "rtds"},
    {Capability::kArinc653, "arinc653"},
}};

}  // namespace

std::string_view to_string(Capability capability) {
  for (const auto& [value, name] : kNames) {
    if (value == capability) return name;
  }
  return "unknown";
}

std::optional<Capability> capability_from(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

void Target::steer(uint64_t) {
  throw HarnessFault("this target cannot choose interleavings");
}

void Target::stop_steering() {
  throw HarnessFault("this target cannot choose interleavings");
}

bool Target::has(Capability capability) const {
  const auto& all = info().capabilities;
  return std::find(all.begin(), all.end(), capability) != all.end();
}

}  // namespace assay
