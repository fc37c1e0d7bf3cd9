#include "sim/toolstack/memory_plan.hpp"

#include <algorithm>

#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

namespace {

/// A guest relies on this much mapped room behind the last boot element, and on a mapped region that ends at a multiple
/// of 4 MiB. Source: public/xen.h, above struct start_info.
constexpr uint64_t kPaddingPages = (512 << 10) / kPageSize;
constexpr uint64_t kRegionPages = (4 << 20) / kPageSize;
/// A guest without any heap could run no case.
constexpr uint64_t kHeapPagesMin = 16;
constexpr uint64_t kSlotBytes = 1ull << 30;

constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

void place(Frames& frames, Pfn& next, uint64_t count) {
  frames = {next, count};
  next = frames.end();
}

/// Places the boot elements from `next` on and returns where they end. `rings`: 1 for a guest that has a console and a
/// store.
Pfn place_boot_elements(MemoryPlan& plan, Pfn next, uint64_t rings = 0) {
  if (plan.type == GuestType::kPvh) {
    place(plan.start_info, next, 1);
    return next;
  }
  const uint64_t l1_tables = round_up(plan.mapped_pages, kRegionPages) / kTableEntries;
  place(plan.p2m, next, round_up(plan.pages * sizeof(uint64_t), kPageSize) / kPageSize);
  place(plan.start_info, next, 1);
  place(plan.store_ring, next, rings);
  place(plan.console_ring, next, rings);
  place(plan.page_tables, next, kUpperTables + l1_tables);
  place(plan.boot_stack, next, 1);
  return next;
}

[[noreturn]] void refuse(GuestType type, uint64_t pages, const std::string& why) {
  throw ToolstackError("a " + std::string(to_string(type)) + " guest of " + std::to_string(pages) + " pages: " + why);
}

void check_image(const MemoryPlan& plan) {
  const assay_agent_layout& layout = plan.layout;
  if (layout.virt_base % kSlotBytes != 0) refuse(plan.type, plan.pages, "virt_base of the image is not 1 GiB aligned");
  if (layout.heap_start % kPageSize != 0 || layout.heap_end != layout.image_end) {
    refuse(plan.type, plan.pages, "the heap is not the last part of the image");
  }
}

}  // namespace

Frames MemoryPlan::boot_elements() const {
  if (type == GuestType::kPvh) return start_info;
  return {p2m.first, boot_stack.end().raw() - p2m.first.raw()};
}

GuestSpace MemoryPlan::space() const {
  GuestSpace space;
  space.layout = layout;
  space.va_offset = layout.virt_base;
  space.pages = pages;
  space.start_info = va(start_info.first);
  if (type == GuestType::kPv64) space.p2m = va(p2m.first);
  return space;
}

MemoryPlan plan_memory(const assay_agent_layout& layout, GuestType type, uint64_t pages) {
  MemoryPlan plan;
  plan.type = type;
  plan.pages = plan.mapped_pages = pages;
  plan.layout = layout;
  check_image(plan);
  if (pages > kPagesMax) refuse(type, pages, "at most " + std::to_string(kPagesMax) + " are supported");

  const Pfn heap_start = plan.pfn(layout.heap_start);
  plan.image.first = plan.pfn(layout.image_start);
  plan.image.count = heap_start.raw() - plan.image.first.raw();

  const uint64_t behind_heap = place_boot_elements(plan, Pfn{0}).raw() + kPaddingPages;
  const uint64_t needed = heap_start.raw() + kHeapPagesMin + behind_heap;
  if (pages < needed) refuse(type, pages, "the image needs at least " + std::to_string(needed));

  const Pfn heap_end{pages - behind_heap};
  place_boot_elements(plan, heap_end);
  plan.layout.heap_end = plan.layout.image_end = plan.va(heap_end).raw();
  return plan;
}

MemoryPlan plan_kernel(const KernelImage& image, uint64_t initrd_bytes, uint64_t pages) {
  MemoryPlan plan;
  plan.type = image.type;
  plan.pages = pages;
  plan.mapped_pages = kRegionPages;
  plan.layout.virt_base = image.virt_base;
  if (pages > kPagesMax) refuse(image.type, pages, "at most " + std::to_string(kPagesMax) + " are supported");
  plan.image = {Pfn{0}, round_up(image.physical_end, kPageSize) / kPageSize};
  Pfn behind_image = plan.image.end();
  place(plan.initrd, behind_image, round_up(initrd_bytes, kPageSize) / kPageSize);
  // The tables take room themselves, of which they map what there is in the end.
  uint64_t needed = 0;
  do {
    plan.mapped_pages = std::max(plan.mapped_pages, round_up(needed, kRegionPages));
    needed = place_boot_elements(plan, behind_image, 1).raw() + kPaddingPages;
  } while (needed > plan.mapped_pages);
  plan.mapped_pages = std::min(plan.mapped_pages, pages);
  if (pages < needed) {
    refuse(image.type, pages, "the kernel and what it boots from need at least " + std::to_string(needed));
  }
  // Of a PVH guest's memory the last pages are ACPI tables and the rings; its memory map says so.
  if (image.type == GuestType::kPvh) {
    plan.acpi = {Pfn{pages - 3}, 1};
    plan.store_ring = {Pfn{pages - 2}, 1};
    plan.console_ring = {Pfn{pages - 1}, 1};
  }
  return plan;
}

Frames mailbox_of(const MemoryPlan& plan, uint32_t vcpu_id) {
  return {plan.pfn(plan.layout.mailboxes + vcpu_id * plan.layout.mailbox_stride), ASSAY_MAILBOX_BYTES / kPageSize};
}

}  // namespace assay::toolstack
