#include "sim/base/paths.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"

namespace assay::migration::testing {

MovingTarget boot_moving_hv() {
  HostOptions options;
  options.core = artifact("hv.so");
  options.guests = HostOptions::Guests::kUnicorn;
  return {make_host_target(options), ""};
}

}  // namespace assay::migration::testing
