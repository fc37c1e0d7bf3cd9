/// Which target a program of guest tests runs on: decided by the source file it is linked with.
#pragma once

#include <memory>
#include <string>

#include "sim/target/target.hpp"

namespace assay::toolstack::testing {

struct SuiteTarget {
  std::unique_ptr<Target> target;
  std::string reason;       ///< why there is no target
  uint32_t dom0_vcpus = 0;  ///< dom0 has as many of the first pCPUs to itself
};

/// "xen", "hv": part of the names of the tests.
const char* suite_target_name();

/// Boots the target; without one the reason says what this machine lacks.
SuiteTarget boot_suite_target();

}  // namespace assay::toolstack::testing
