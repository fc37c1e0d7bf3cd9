#include "sim/hosts/domain_frames.hpp"

#include <cstddef>
#include <numeric>

#include "sim/toolstack/migration/guest_p2m.hpp"
#include "sim/toolstack/migration/state_control.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::hosts {

std::vector<uint64_t> frames_of(SimulatedHost& host, DomId domain, GuestType type) {
  const migration::Tools tools = host.toolstack().tools();
  if (type == GuestType::kPvh) {
    std::vector<uint64_t> gfns(migration::StateControl(tools.dom0, domain).last_gfn() + 1);
    std::iota(gfns.begin(), gfns.end(), 0);
    return gfns;
  }
  const auto info = tools.control.info(domain);
  if (!info) throw ToolstackError("the source is gone");
  const uint64_t frame = info->shared_info_frame;
  const Gva page = tools.window.map_to_read(domain, std::span(&frame, 1));
  const auto arch = tools.dom0.vcpu().read<arch_shared_info>(page + offsetof(shared_info, arch));
  std::vector<uint64_t> frames = migration::read_guest_p2m(tools.window, domain, arch).mfns;
  tools.window.unmap();  // what is mapped keeps the domain from going
  return frames;
}

}  // namespace assay::hosts
