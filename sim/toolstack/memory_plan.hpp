/// Where everything lies in a new guest's pseudo-physical memory. Pure arithmetic: no hypercall is made here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/guest/agent_image.hpp"
#include "sim/guest/kernel_image.hpp"
#include "sim/target/target.hpp"

namespace assay::toolstack {

/// A run of pseudo-physical frames.
struct Frames {
  Pfn first;
  uint64_t count = 0;
  [[nodiscard]] Pfn end() const { return Pfn{first.raw() + count}; }
};

/// Order of the boot elements: public/xen.h, above struct start_info.
struct MemoryPlan {
  GuestType type = GuestType::kPv64;
  uint64_t pages = 0;
  uint64_t mapped_pages = 0;    ///< PV64: those that the boot page tables map; a kernel makes tables of others
  assay_agent_layout layout{};  ///< the image's, with the heap resized to what the domain has room for
  Frames image;                 ///< what has to be loaded: the image without the heap
  Frames initrd;                ///< for kernels only
  Frames p2m;                   ///< PV64
  Frames start_info;
  Frames store_ring, console_ring;  ///< for kernels only: the agent has none
  Frames acpi;                      ///< PVH kernels
  Frames page_tables;               ///< PV64: L4, L3, L2, then the L1 tables
  Frames boot_stack;                ///< PV64

  [[nodiscard]] Gva va(Pfn pfn) const { return Gva{layout.virt_base + pfn.raw() * kPageSize}; }
  [[nodiscard]] Pfn pfn(uint64_t link_address) const { return Pfn{(link_address - layout.virt_base) >> kPageShift}; }
  /// As the guest sees it that is built so.
  [[nodiscard]] GuestSpace space() const;
  /// All boot elements behind the heap, as one run.
  [[nodiscard]] Frames boot_elements() const;
};

/// Tables above the L1s: one L4, one L3, one L2.
constexpr uint64_t kUpperTables = 3;
constexpr uint64_t kTableEntries = 512;
/// One L2 table, and the static tables of the PVH agent, reach this far.
constexpr uint64_t kPagesMax = kTableEntries * kTableEntries;

/// Throws ToolstackError when the domain is too small or too large for the image.
MemoryPlan plan_kernel(const KernelImage& image, uint64_t initrd_bytes, uint64_t pages);
MemoryPlan plan_memory(const assay_agent_layout& layout, GuestType type, uint64_t pages);

/// Those of a table of all pseudo-physical frames.
inline std::span<const uint64_t> frames_of(const std::vector<uint64_t>& table, const Frames& frames) {
  return std::span(table).subspan(frames.first.raw(), frames.count);
}

/// Pseudo-physical frames of the mailbox of a vCPU.
Frames mailbox_of(const MemoryPlan& plan, uint32_t vcpu_id);

}  // namespace assay::toolstack
