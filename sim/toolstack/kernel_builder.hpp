/// Domains that run a kernel which somebody else built, with a console and a store.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/guest/kernel_image.hpp"
#include "sim/toolstack/domain_control.hpp"
#include "sim/toolstack/foreign_window.hpp"

namespace assay::toolstack {

struct KernelBoot {
  std::string command_line;
  std::vector<std::byte> initrd;
  bool is_paused = false;  ///< somebody else says where it runs, and lets it
};

/// One shared page with its event channel, from the side that serves it.
struct ServedRing {
  Mfn frame;
  uint32_t port = 0;  ///< of the privileged domain
};

struct KernelRings {
  ServedRing store, console;
};

/// Fills the memory of a domain that has its vCPUs but no memory yet, and sets the state of vCPU 0. Throws
/// ToolstackError; the window may then still be mapped.
KernelRings build_kernel(const Privileged& dom0, const DomainControl& control, ForeignWindow& window,
                         const GuestSpec& spec, DomId domain, const KernelImage& image, const KernelBoot& boot);

}  // namespace assay::toolstack
