/// What a guest finds in its memory when it starts, as bytes ready to be written. Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sim/guest/agent_image.hpp"
#include "sim/toolstack/domain_control.hpp"
#include "sim/toolstack/memory_plan.hpp"

namespace assay::toolstack {

/// plan.image: the image's segments at their place, zeroes elsewhere.
std::vector<std::byte> image_bytes(const MemoryPlan& plan, const AgentImage& image);

/// What a kernel is told besides where its memory is. The agent needs none of it.
struct BootExtras {
  std::string command_line;
  uint64_t initrd_bytes = 0;
  bool initrd_by_frame = false;               ///< PV64: where the initrd is, is said by its frame number
  uint32_t store_port = 0, console_port = 0;  ///< event channels of the guest
};

/// plan.boot_elements() of a PV64 guest: p2m list, start_info, rings, page tables, stack. Throws ToolstackError when
/// the command line is too long.
std::vector<std::byte> pv_boot_bytes(const MemoryPlan& plan, std::span<const uint64_t> p2m, uint64_t shared_info_frame,
                                     const BootExtras& extras = {});

/// RAM, and behind it ACPI tables and rings if there are any.
std::vector<MemoryRange> pvh_memory_map(const MemoryPlan& plan);
/// plan.boot_elements() of a PVH guest: hvm_start_info, memory map, module list and command line in one page.
std::vector<std::byte> pvh_boot_bytes(const MemoryPlan& plan, const BootExtras& extras = {});

/// plan.image of a kernel.
std::vector<std::byte> kernel_bytes(const MemoryPlan& plan, const KernelImage& image);

}  // namespace assay::toolstack
