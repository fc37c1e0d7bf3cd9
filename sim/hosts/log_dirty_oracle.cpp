#include "sim/hosts/log_dirty_oracle.hpp"

#include <algorithm>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/migration/dirty_log.hpp"
#include "sim/toolstack/paging_pool.hpp"

namespace assay::hosts {

namespace {

/// A domain of 4 MiB some times; a larger one less often, as it takes longer.
constexpr uint64_t kCyclePages = 8 * 1024;
constexpr uint64_t kPagesWritten = 5;
/// Of the guest itself: its stack, its mailbox.
constexpr uint64_t kOwnPages = 8;

std::string has_all(const std::vector<uint64_t>& dirty, const std::vector<uint64_t>& written, uint64_t counted) {
  for (const uint64_t pfn : written) {
    if (std::ranges::find(dirty, pfn) == dirty.end())
      return "pfn " + std::to_string(pfn) + " was written and is not noted";
  }
  if (dirty.size() > written.size() + kOwnPages) {
    return std::to_string(dirty.size()) + " pages are noted where " + std::to_string(written.size()) + " were written";
  }
  if (counted == dirty.size()) return "";
  return std::to_string(dirty.size()) + " pages are noted, and " + std::to_string(counted) + " were counted";
}

/// The last page is written by the hypervisor alone, on behalf of the guest.
std::vector<uint64_t> write_some(BusyDomain& busy, uint64_t cycle) {
  Domain& guest = busy.domain();
  StampedMemory& memory = busy.memory();
  std::vector<uint64_t> written;
  for (uint64_t i = 0; i + 1 < kPagesWritten; ++i) {
    written.push_back(guest.pfn_of(memory.write_page(guest, (cycle * 7 + i * 31) % (memory.pages() - 1))).raw());
  }
  const Gva last = memory.page(memory.pages() - 1);
  constexpr uint64_t kMiddle = kPageSize / 2;
  static_cast<void>(guest.vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_extraversion, (last + kMiddle).raw()}));
  written.push_back(guest.pfn_of(last).raw());
  return written;
}

std::string cycle_of(MoveScene& scene, uint64_t cycle) {
  const uint64_t pages = scene.busy.load().guest.pages;
  migration::DirtyLog log(scene.busy.host().toolstack().tools().dom0, scene.busy.domain().id());
  static_cast<void>(log.harvest(pages));
  const std::vector<uint64_t> written = write_some(scene.busy, cycle);
  const std::vector<uint64_t> dirty = log.harvest(pages);
  if (std::string said = has_all(dirty, written, log.counted()); !said.empty()) return said;
  const std::vector<uint64_t> again = log.harvest(pages);
  if (!again.empty() || log.counted() != 0) {
    return std::to_string(again.size()) + " pages are noted and " + std::to_string(log.counted()) +
           " counted where none was written";
  }
  // What was handed out before is noted again when it is written again.
  scene.busy.memory().write_page(scene.busy.domain(), 0);
  const uint64_t first = scene.busy.domain().pfn_of(scene.busy.memory().page(0)).raw();
  const std::vector<uint64_t> once_more = log.harvest(pages);
  if (std::string said = has_all(once_more, {first}, log.counted()); !said.empty()) return said;
  log.stop();
  return "";
}

}  // namespace

std::string LogDirtyIsExact::after(MoveScene& scene) {
  const GuestSpec& guest = scene.busy.load().guest;
  const bool is_tracked = guest.type == GuestType::kPvh && scene.report.end == MoveEnd::kArrived;
  if (!is_tracked || scene.busy.is_suspended()) return "";
  const uint64_t cycles = std::max<uint64_t>(1, kCyclePages / guest.pages);
  for (uint64_t cycle = 0; cycle < cycles; ++cycle) {
    if (std::string said = cycle_of(scene, cycle); !said.empty()) return said;
  }
  // What stopping leaks, however little, uses up the pool that the domain's tables come from.
  const uint64_t pool_pages = toolstack::paging_pool_bytes(guest) / kPageSize;
  for (uint64_t page = 0; page < pool_pages; ++page) {
    migration::DirtyLog log(scene.busy.host().toolstack().tools().dom0, scene.busy.domain().id());
    scene.busy.memory().write_page(scene.busy.domain(), 0);
    log.stop();
  }
  return "";
}

}  // namespace assay::hosts
