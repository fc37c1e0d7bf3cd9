/// The policies that this build has.
#pragma once

#include <cstdint>
#include <string_view>

#include "hv/sched/scheduler.hpp"

namespace hv {

struct PolicyKind {
  std::string_view name;   ///< as on the command line: sched=NAME
  uint32_t abi_id;         ///< XEN_SCHEDULER_*
  Scheduler* (*create)();  ///< null: no memory
  bool has_units = true;   ///< knows units of several vCPUs
};

/// The policy of pool 0 when the command line names none.
constexpr std::string_view kDefaultPolicy = "credit2";

/// Null when there is none.
[[nodiscard]] const PolicyKind* policy_by_name(std::string_view name);
[[nodiscard]] const PolicyKind* policy_by_id(uint32_t abi_id);
/// A line on the console that lists the names.
void log_policy_names();

}  // namespace hv
