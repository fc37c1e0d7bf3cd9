#include "fuzz/targets/guests/guest_target.hpp"

namespace assay::fuzz {

const std::array<GuestTarget, kGuestTargets>& guest_targets() {
  static const std::array<GuestTarget, kGuestTargets> all{domains_target(), events_target(),      grants_target(),
                                                          memory_target(),  page_tables_target(), registers_target()};
  return all;
}

}  // namespace assay::fuzz
