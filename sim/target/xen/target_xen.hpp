/// Target `xen`: Debian's Xen binary in QEMU, guests driven through mailboxes in shared memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sim/target/target.hpp"

namespace assay {

struct XenOptions {
  std::filesystem::path xen;         ///< the hypervisor, an uncompressed ELF file
  std::filesystem::path dom0_image;  ///< agent with the large heap
  std::filesystem::path guest_image;
  std::string qemu = "qemu-system-x86_64";  ///< a path, or a name to be found in PATH
  uint32_t pcpus = 8;
  uint32_t dom0_vcpus = 2;  ///< pinned to the first pCPUs; guests get the others
  uint32_t ram_mib = 512;
  uint32_t dom0_mib = 64;
  std::string xen_arguments;          ///< appended to the hypervisor's command line
  std::filesystem::path edge_plugin;  ///< for QEMU; empty: none
  std::string edge_map;               ///< where it notes which steps the hypervisor takes: EdgeMap::path
};

/// Where tools/setup puts the hypervisor, below the root of the source tree.
std::filesystem::path default_xen_path(const std::filesystem::path& source_root);

/// Boots. Throws TargetUnavailable when QEMU, the hypervisor or an image is missing, TargetDied when the boot fails.
/// The calling thread must outlive the target: QEMU is killed when that thread ends.
std::unique_ptr<Target> make_xen_target(const XenOptions& options);

}  // namespace assay
