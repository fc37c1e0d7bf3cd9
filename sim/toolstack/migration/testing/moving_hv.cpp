#include "sim/base/paths.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/toolstack/migration/testing/moving.hpp"

namespace assay::migration::testing {

namespace {

MovingTarget boot(HostOptions::Guests guests) {
  HostOptions options;
  options.core = artifact("hv.so");
  options.guests = guests;
  return {make_host_target(options), ""};
}

}  // namespace

MovingTarget boot_moving_hv() {
  return boot(HostOptions::Guests::kUnicorn);
}

MovingTarget boot_direct_hv() {
  return boot(HostOptions::Guests::kDirect);
}

}  // namespace assay::migration::testing
