/// memory_op about maps: the guest's own e820, the machine's, and the machine-to-physical table.
#include <array>
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

constexpr std::array<MemoryMapEntry, 3> kMap{{{0, 0x9f000, 1}, {0x9f000, 0x61000, 2}, {0x100000, 0x7f00000, 1}}};
constexpr uint32_t kMapEntriesMax = 1024;

MemoryMapEntry entry_at(const std::vector<std::byte>& bytes, size_t index) {
  MemoryMapEntry entry;
  std::memcpy(&entry, bytes.data() + index * sizeof entry, sizeof entry);
  return entry;
}

/// Checks that the first `count` entries are those of kMap and that nothing was written behind them.
void check_entries(CaseContext& c, const std::vector<std::byte>& bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const MemoryMapEntry entry = entry_at(bytes, i);
    c.check(std::memcmp(&entry, &kMap[i], sizeof entry) == 0, "entry " + std::to_string(i) + " is as it was set");
  }
  c.check_eq(static_cast<uint8_t>(bytes[count * sizeof(MemoryMapEntry)]), kUntouchedByte, "byte behind the entries");
}

const Case kUnset{{
    .slug = "memory_op.memory_map.not_set.enosys",
    .rule = "A domain for which the toolstack set no memory map gets ENOSYS.",
    .source = "public/memory.h, XENMEM_memory_map",
    .requirements = {"MEM-MAP-001"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          std::vector<std::byte> entries;
          const auto got = memory.memory_map(XENMEM_memory_map, 8, entries);
          c.check_eq(got.result, -XEN_ENOSYS, "memory_map");
          c.check_eq(got.arg.nr_entries, 8u, "nr_entries is as it was");
          check_entries(c, entries, 0);
        },
}};

const Case kCut{{
    .slug = "memory_op.memory_map.set_by_toolstack.cut_to_room",
    .rule = "memory_map copies as many entries as there are and as fit, and reports that number.",
    .source = "public/memory.h, XENMEM_memory_map",
    .requirements = {"MEM-MAP-002"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MemoryOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          c.require_eq(control.set_memory_map(c.guest().id(), kMap), 0, "set_memory_map by dom0");
          std::vector<std::byte> entries;
          for (const uint32_t room : {100u, 3u, 2u, 0u}) {
            const auto got = memory.memory_map(XENMEM_memory_map, room, entries);
            const uint32_t expected = std::min<uint32_t>(room, kMap.size());
            c.check_eq(got.result, 0, "memory_map with room for " + std::to_string(room));
            c.check_eq(got.arg.nr_entries, expected, "nr_entries");
            check_entries(c, entries, expected);
          }
          c.check_eq(memory.raw(XENMEM_memory_map, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kOwn{{
    .slug = "memory_op.set_memory_map.own_domain.allowed_up_to_1024",
    .rule = "A domain may set its own map; more than 1024 entries give EINVAL, an unknown domain ESRCH, another EPERM.",
    .source = "public/memory.h, XENMEM_set_memory_map",
    .requirements = {"MEM-MAP-003"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          c.check_eq(memory.set_memory_map(kDomSelf, kMap), 0, "the guest's own map");
          c.check_eq(memory.set_memory_map(kDomSelf, {}, kMapEntriesMax + 1), -XEN_EINVAL, "1025 entries");
          c.check_eq(memory.set_memory_map(kDomAbsent, kMap), -XEN_ESRCH, "an absent domain's");
          c.check_eq(memory.set_memory_map(DomId{0}, kMap), -XEN_EPERM, "dom0's");
          std::vector<std::byte> entries;
          const auto got = memory.memory_map(XENMEM_memory_map, 100, entries);
          c.check_eq(got.result, 0, "memory_map afterwards");
          c.check_eq(got.arg.nr_entries, kMap.size(), "nr_entries");
          check_entries(c, entries, kMap.size());
        },
}};

const Case kMachineUnprivileged{{
    .slug = "memory_op.machine_memory_map.unprivileged.eperm",
    .rule = "The machine's memory map is for privileged domains: EPERM; an HVM guest does not have the operation.",
    .source = "public/memory.h, XENMEM_machine_memory_map",
    .requirements = {"MEM-MAP-004"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          std::vector<std::byte> entries;
          const auto got = memory.memory_map(XENMEM_machine_memory_map, 8, entries);
          c.check_eq(got.result, c.pv() ? -XEN_EPERM : -XEN_ENOSYS, "machine_memory_map");
          c.check_eq(got.arg.nr_entries, 8u, "nr_entries is as it was");
          check_entries(c, entries, 0);
        },
}};

const Case kMachine{{
    .slug = "memory_op.machine_memory_map.by_dom0.covers_ram",
    .rule = "dom0 gets the machine's memory map: entries in ascending order, RAM up to the highest frame.",
    .source = "public/memory.h, XENMEM_machine_memory_map",
    .requirements = {"MEM-MAP-004", "MEM-STAT-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRam = 1;
          MemoryOps memory(c.dom0().vcpu(0));
          std::vector<std::byte> entries;
          const auto got = memory.memory_map(XENMEM_machine_memory_map, 100, entries);
          c.require_eq(got.result, 0, "machine_memory_map");
          c.require(got.arg.nr_entries >= 1 && got.arg.nr_entries <= 100, "there are entries");
          uint64_t end = 0;
          uint64_t ram_end = 0;
          for (uint32_t i = 0; i < got.arg.nr_entries; ++i) {
            const MemoryMapEntry entry = entry_at(entries, i);
            c.check(entry.address >= end && entry.size > 0, "entries ascend and do not overlap");
            end = entry.address + entry.size;
            if (entry.type == kRam) ram_end = end;
          }
          c.check(ram_end >> kPageShift >= static_cast<uint64_t>(memory.maximum_ram_page()) - 1,
                  "RAM reaches to the highest frame");
          c.check_eq(memory.memory_map(XENMEM_machine_memory_map, 0, entries).result, -XEN_EINVAL, "no room");
        },
}};

const Case kMachphysMapping{{
    .slug = "memory_op.machphys_mapping.pv.where_the_table_is",
    .rule = "machphys_mapping tells a PV guest where the machine-to-physical table is; HVM guests have no such call.",
    .source = "public/memory.h, XENMEM_machphys_mapping; public/arch-x86/xen-x86_64.h, MACH2PHYS_VIRT_START",
    .requirements = {"MEM-MAP-005"},
    .body =
        [](CaseContext& c) {
          MemoryOps memory(c.vcpu());
          const auto got = memory.machphys_mapping();
          if (!c.pv()) {
            c.check_eq(got.result, -XEN_ENOSYS, "machphys_mapping of a PVH guest");
            c.check_eq(got.arg.v_start, kUntouched64, "nothing was written");
            return;
          }
          c.require_eq(got.result, 0, "machphys_mapping");
          c.check_eq(got.arg.v_start, MACH2PHYS_VIRT_START, "start");
          c.check_eq(got.arg.v_end, MACH2PHYS_VIRT_END, "end");
          c.check(got.arg.max_mfn + 1 >= static_cast<uint64_t>(memory.maximum_ram_page()), "covers all frames");
          const Gva page = c.guest().alloc_pages(1);
          const Gva entry{got.arg.v_start + c.guest().gfn_of(page).raw() * sizeof(uint64_t)};
          c.check_eq(c.vcpu().read<uint64_t>(entry), c.guest().pfn_of(page).raw(), "an entry of the table");
          c.check_eq(memory.raw(XENMEM_machphys_mapping, bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kMachphysList{{
    .slug = "memory_op.machphys_mfn_list.extents.cut_to_room",
    .rule = "machphys_mfn_list writes as many 2 MiB extents of the table as fit, and how many.",
    .source = "public/memory.h, XENMEM_machphys_mfn_list",
    .requirements = {"MEM-MAP-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kFramesPerExtent = 512;
          Scratch scratch(c.vcpu(), 2);
          MemoryOps memory(c.vcpu());
          const auto ask = [&](uint32_t room) {
            for (uint64_t i = 0; i < kFramesPerExtent; ++i) scratch.put(kUntouched64, kPageSize + i * sizeof(uint64_t));
            xen_machphys_mfn_list_t arg{};
            arg.max_extents = room;
            arg.nr_extents = kUntouched32;
            set_handle(arg.extent_start, scratch.va(kPageSize));
            return call_with(scratch, __HYPERVISOR_memory_op, XENMEM_machphys_mfn_list, arg);
          };
          const auto slot = [&](uint64_t i) { return scratch.get<uint64_t>(kPageSize + i * sizeof(uint64_t)); };
          const auto all = ask(8);
          c.require_eq(all.result, 0, "machphys_mfn_list");
          const uint32_t count = all.arg.nr_extents;
          c.require(count >= 1 && count <= 8, "some extents");
          for (uint32_t i = 0; i < count; ++i) c.check_eq(slot(i) % kFramesPerExtent, 0u, "an extent is 2 MiB aligned");
          if (count < 8) c.check_eq(slot(count), kUntouched64, "slot behind the last");
          const auto none = ask(0);
          c.check_eq(none.result, 0, "no room");
          c.check_eq(none.arg.nr_extents, 0u, "extents written into no room");
          c.check_eq(slot(0), kUntouched64, "first slot, without room");
        },
}};

const Case kCompatList{{
    .slug = "memory_op.machphys_compat_mfn_list.no_32bit_table",
    .rule = "Where no 32-bit PV guest can be, its machine-to-physical table is not there to be listed.",
    .source = "public/memory.h, XENMEM_machphys_compat_mfn_list",
    .requirements = {"MEM-MAP-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Scratch scratch(c.vcpu(), 2);
          xen_machphys_mfn_list_t arg{};
          arg.max_extents = 1;
          arg.nr_extents = kUntouched32;
          set_handle(arg.extent_start, scratch.put(kUntouched64, kPageSize));
          const auto got = call_with(scratch, __HYPERVISOR_memory_op, XENMEM_machphys_compat_mfn_list, arg);
          c.check_eq(got.result, -XEN_EOPNOTSUPP, "machphys_compat_mfn_list");
          c.check_eq(scratch.get<uint64_t>(kPageSize), kUntouched64, "nothing was written");
        },
}};

}  // namespace
}  // namespace assay
