#include "hv/sched/policies.hpp"

#include <algorithm>

#include "hv/base/host.hpp"
#include "hv/sched/arinc653.hpp"
#include "hv/sched/credit.hpp"
#include "hv/sched/credit2.hpp"
#include "hv/sched/null.hpp"
#include "hv/sched/rtds.hpp"

namespace hv {

namespace {

constexpr PolicyKind kPolicies[] = {
    {"credit2", XEN_SCHEDULER_CREDIT2, Credit2::create}, {"credit", XEN_SCHEDULER_CREDIT, Credit::create},
    {"rtds", XEN_SCHEDULER_RTDS, Rtds::create},          {"arinc653", XEN_SCHEDULER_ARINC653, Arinc653::create, false},
    {"null", XEN_SCHEDULER_NULL, NullScheduler::create},
};

template <typename Value>
const PolicyKind* find(Value PolicyKind::*field, Value value) {
  const auto* found = std::ranges::find(kPolicies, value, field);
  return found == std::end(kPolicies) ? nullptr : found;
}

}  // namespace

const PolicyKind* policy_by_name(std::string_view name) {
  return find(&PolicyKind::name, name);
}

const PolicyKind* policy_by_id(uint32_t abi_id) {
  return find(&PolicyKind::abi_id, abi_id);
}

void log_policy_names() {
  for (const PolicyKind& kind : kPolicies) log("  sched=%.*s", static_cast<int>(kind.name.size()), kind.name.data());
}

}  // namespace hv
