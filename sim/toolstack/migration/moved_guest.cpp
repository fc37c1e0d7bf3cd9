#include "sim/toolstack/migration/moved_guest.hpp"

#include "sim/toolstack/own_page_tables.hpp"

namespace assay::migration {

/// The hypervisor translates gfns that are mapped; the machine frames stand in the page tables afterwards.
std::vector<Mfn> machine_frames(const Tools& tools, const RestoredDomain& restored, std::span<const uint64_t> frames) {
  std::vector<Mfn> machine;
  if (restored.type == GuestType::kPv64) {
    for (const uint64_t frame : frames) machine.emplace_back(frame);
    return machine;
  }
  const Gva va = tools.window.map(restored.id, frames);
  machine = toolstack::OwnPageTables(tools.dom0.domain()).frames_at(va, frames.size());
  tools.window.unmap();
  return machine;
}

BuiltGuest moved_guest(const Tools& tools, const RestoredDomain& restored, const GuestSpace& space, uint32_t vcpus) {
  BuiltGuest built{restored.id, space, {}};
  for (uint32_t vcpu = 0; vcpu < vcpus; ++vcpu) {
    const uint64_t box = space.layout.mailboxes + vcpu * space.layout.mailbox_stride;
    const uint64_t first = (box - space.layout.virt_base) >> kPageShift;
    const auto frames = std::span(restored.frames).subspan(first, ASSAY_MAILBOX_BYTES / kPageSize);
    built.mailbox_frames.push_back(machine_frames(tools, restored, frames));
  }
  return built;
}

}  // namespace assay::migration
