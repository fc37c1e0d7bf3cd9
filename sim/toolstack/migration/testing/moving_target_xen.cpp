#include "sim/toolstack/migration/testing/moving.hpp"

namespace assay::migration::testing {

MovingTarget boot_moving_target() {
  return boot_moving_xen();
}

}  // namespace assay::migration::testing
