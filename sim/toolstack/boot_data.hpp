/// What a guest finds in its memory when it starts, as bytes ready to be written. Pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sim/guest/agent_image.hpp"
#include "sim/toolstack/memory_plan.hpp"

namespace assay::toolstack {

/// plan.image: the image's segments at their place, zeroes elsewhere.
std::vector<std::byte> image_bytes(const MemoryPlan& plan, const AgentImage& image);

/// plan.boot_elements() of a PV64 guest: p2m list, start_info, page tables, stack.
std::vector<std::byte> pv_boot_bytes(const MemoryPlan& plan, std::span<const uint64_t> p2m, uint64_t shared_info_frame);

/// plan.boot_elements() of a PVH guest: hvm_start_info, memory map and command line in one page.
std::vector<std::byte> pvh_boot_bytes(const MemoryPlan& plan);

}  // namespace assay::toolstack
