#include "sim/toolstack/migration/moved_guest.hpp"

namespace assay::migration {

BuiltGuest moved_guest(const RestoredDomain& restored, const GuestSpace& space, uint32_t vcpus) {
  BuiltGuest built{restored.id, space, {}};
  for (uint32_t vcpu = 0; vcpu < vcpus; ++vcpu) {
    std::vector<Mfn>& frames = built.mailbox_frames.emplace_back();
    const uint64_t box = space.layout.mailboxes + vcpu * space.layout.mailbox_stride;
    for (uint64_t at = 0; at < ASSAY_MAILBOX_BYTES; at += kPageSize) {
      frames.emplace_back(restored.frames.at((box + at - space.layout.virt_base) >> kPageShift));
    }
  }
  return built;
}

}  // namespace assay::migration
