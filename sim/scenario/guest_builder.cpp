#include "sim/scenario/guest_builder.hpp"

#include "sim/toolstack/page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "sim/toolstack/vcpu_state.hpp"

namespace assay::scenario {
namespace {

/// The page tables come first, from the root on: one of each upper level, and as many of the lowest as the data pages
/// need, which follow.
constexpr uint64_t kRoot = 0, kUpperTables = 3, kEntries = 512;

uint64_t tables_for(uint64_t data_pages) {
  return kUpperTables + (data_pages + kEntries - 1) / kEntries;
}

}  // namespace

void GuestBuilder::write_page_tables(const std::vector<uint64_t>& frames, uint64_t data_pages) {
  using toolstack::entry;
  constexpr unsigned kLevels = 4;
  for (unsigned level = kLevels; level > 2; --level) {
    const uint64_t table = kLevels - level;
    at<uint64_t>(frames[table])[toolstack::table_index(Gva{kDataVa}, level)] =
        entry(Mfn{frames[table + 1]}, toolstack::kTableAttributes);
  }
  for (uint64_t page = 0; page < data_pages; ++page) {
    const Gva va{kDataVa + page * kPageSize};
    const uint64_t lowest = frames[kUpperTables + page / kEntries];
    at<uint64_t>(frames[kUpperTables - 1])[toolstack::table_index(va, 2)] =
        entry(Mfn{lowest}, toolstack::kTableAttributes);
    at<uint64_t>(lowest)[toolstack::table_index(va, 1)] =
        entry(Mfn{frames[tables_for(data_pages) + page]}, toolstack::kLeafAttributes);
  }
}

DomainMemory GuestBuilder::lay_out(DomId id, std::span<const uint64_t> areas, uint32_t vcpus) {
  const auto info = control_.info(id);
  if (!info) throw ToolstackError("the domain vanished while it was built");
  DomainMemory memory;
  memory.shared = at<shared_info_t>(info->shared_info_frame);
  memory.ports.resize(vcpus);
  for (vcpu_info_t& vcpu : memory.shared->vcpu_info) vcpu.evtchn_upcall_mask = 1;
  for (uint32_t vcpu = 0; vcpu < vcpus; ++vcpu) {
    const uint64_t frame = areas[vcpu / kAreasPerPage];
    auto* const area = reinterpret_cast<VcpuArea*>(at<uint8_t>(frame) + vcpu % kAreasPerPage * kAreaBytes);
    memory.areas.push_back(area);
  }
  return memory;
}

void GuestBuilder::set_registers(DomId id, uint32_t vcpu, Mfn root) {
  const Gva stack{area_va(vcpu) + offsetof(VcpuArea, stack) + sizeof(VcpuArea::stack)};
  vcpu_guest_context context = toolstack::first_pv_context(kEntryVa, root, Gva{0}, stack);
  context.event_callback_eip = kUpcallVa;
  context.failsafe_callback_eip = kFailsafeVa;
  control_.set_vcpu_context(id, vcpu, context);
}

GuestBuilder::Built GuestBuilder::build(uint32_t vcpus, uint64_t written_pages, bool grows_grant_table) {
  GuestSpec spec;
  spec.vcpus = vcpus;
  spec.max_grant_frames = grows_grant_table ? kGrantFramesMax : 1;
  spec.max_maptrack_frames = 0;
  Built built{control_.create(spec), {}};
  try {
    fill(built, vcpus, area_pages(vcpus) + written_pages);
  } catch (const ToolstackError&) {
    static_cast<void>(control_.destroy(built.id));
    throw;
  }
  return built;
}

void GuestBuilder::fill(Built& built, uint32_t vcpus, uint64_t data_pages) {
  const uint64_t tables = tables_for(data_pages);
  control_.set_max_vcpus(built.id, vcpus);
  control_.set_max_memory(built.id, tables + data_pages);
  const std::vector<uint64_t> frames = control_.populate(built.id, tables + data_pages);
  write_page_tables(frames, data_pages);
  built.memory = lay_out(built.id, std::span(frames).subspan(tables), vcpus);
  control_.pin_table(built.id, Mfn{frames[kRoot]}, 4);
  for (uint32_t vcpu = 0; vcpu < vcpus; ++vcpu) set_registers(built.id, vcpu, Mfn{frames[kRoot]});
}

}  // namespace assay::scenario
