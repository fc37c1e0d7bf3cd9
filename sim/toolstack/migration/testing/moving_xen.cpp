#include <cstdlib>

#include "sim/base/paths.hpp"
#include "sim/target/xen/target_xen.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"

namespace assay::migration::testing {

MovingTarget boot_moving_xen() {
  XenOptions options;
  const char* xen = std::getenv("ASSAY_XEN");
  options.xen = xen != nullptr ? xen : ASSAY_XEN_DEFAULT;
  options.dom0_image = artifact("agent-dom0.elf");
  options.guest_image = artifact("agent.elf");
  try {
    return {make_xen_target(options), ""};
  } catch (const TargetUnavailable& missing) {
    return {nullptr, missing.what()};
  }
}

}  // namespace assay::migration::testing
