#include "sim/target/xen/testing.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"

namespace assay::migration::testing {

MovingTarget boot_moving_xen() {
  try {
    return {xen::boot_for_test(), ""};
  } catch (const TargetUnavailable& missing) {
    return {nullptr, missing.what()};
  }
}

}  // namespace assay::migration::testing
