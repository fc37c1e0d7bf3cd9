/// set_gdt and update_descriptor: which descriptors a PV guest may have, and what its tables hold on to.
#include <array>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/pv_control.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {
namespace {

constexpr uint64_t kEntriesMax = 7168;
constexpr uint64_t kPerFrame = 512;

// Descriptors. Source: AMD64 manual, volume 2, chapter 4.7.
constexpr uint64_t kLevel3 = uint64_t{3} << 45;
constexpr uint64_t kPresent = uint64_t{1} << 47;
constexpr uint64_t kCode64 = 0x00af'9b00'0000'ffff;
constexpr uint64_t kData = 0x00cf'9300'0000'ffff;
constexpr uint64_t system_descriptor(uint64_t type) {
  return kPresent | type << 40;
}
constexpr uint64_t kCallGate = system_descriptor(12) | uint64_t{8} << 16;
/// As it is stored: its target selector asks for ring 3.
constexpr uint64_t kCallGateStored = kCallGate | uint64_t{3} << 16;

/// Machine address of a descriptor.
uint64_t place(const Page& table, uint64_t slot) {
  return (table.frame.raw() << kPageShift) + slot * sizeof(uint64_t);
}

/// A page that can become a descriptor table: with these first descriptors, mapped read-only.
Page descriptor_page(CaseContext& c, std::initializer_list<uint64_t> descriptors = {}) {
  const Page table = heap_page(c.vcpu());
  uint64_t slot = 0;
  for (const uint64_t descriptor : descriptors) c.vcpu().write(table.va + 8 * slot++, descriptor);
  c.require_eq(remap(c.vcpu(), table, kLeafRo), 0, "set-up: read-only");
  return table;
}

int64_t set_gdt(CaseContext& c, const std::vector<Gfn>& frames, uint64_t entries) {
  const Scratch list(c.vcpu());
  for (size_t i = 0; i < frames.size(); ++i) c.vcpu().write(list.va(i * 8), frames[i].raw());
  return c.vcpu().hypercall(__HYPERVISOR_set_gdt, {list.va().raw(), entries});
}

int64_t update(CaseContext& c, uint64_t machine, uint64_t descriptor) {
  return c.vcpu().hypercall(__HYPERVISOR_update_descriptor, {machine, descriptor});
}

/// What the toolstack sees of the guest's GDT.
struct SeenGdt {
  uint64_t entries, first_frame;
};
SeenGdt seen_gdt(CaseContext& c) {
  DomctlOps control(c.dom0().vcpu(0));
  c.require_eq(control.pause(c.guest().id()), 0, "pausing the guest");
  const auto context = vcpu_context(c.dom0().vcpu(0), c.guest().id(), 0);
  c.require_eq(control.unpause(c.guest().id()), 0, "unpausing it");
  c.require_eq(context.result, 0, "getvcpucontext");
  return {context.arg.gdt_ents, context.arg.gdt_frames[0]};
}

const Case kLimits{{
    .slug = "set_gdt.too_many_or_bad_list.refused",
    .rule = "More than 7168 entries give EINVAL, then a list of frames that cannot be read EFAULT.",
    .source = "public/arch-x86/xen.h, FIRST_RESERVED_GDT_ENTRY",
    .requirements = {"GDT-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Page table = descriptor_page(c);
          const std::vector<Gfn> frames(15, table.frame);
          c.check_eq(set_gdt(c, frames, kEntriesMax + 1), -XEN_EINVAL, "one entry too many");
          const uint64_t bad = bad_pointer(c.guest_type()).raw();
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_gdt, {bad, kEntriesMax + 1}), -XEN_EINVAL, "and a bad list");
          for (const BadPointer& pointer : bad_pointers(c.guest_type())) {
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_gdt, {pointer.va.raw(), 1}), -XEN_EFAULT, pointer.what);
          }
          c.check_eq(set_gdt(c, frames, kEntriesMax), 0, "as many as there can be");
        },
}};

const Case kFrames{{
    .slug = "set_gdt.frame_refused.old_table_stays",
    .rule =
        "Each frame must be the guest's and hold descriptors that are allowed: EINVAL, and the old GDT stays in force.",
    .source = "public/xen.h, __HYPERVISOR_set_gdt",
    .method = "What is in force is read by XEN_DOMCTL_getvcpucontext. A refused frame can be written again.",
    .requirements = {"GDT-002"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          const Page good = descriptor_page(c);
          c.require_eq(set_gdt(c, {good.frame}, 8), 0, "a good table");
          const Page writable = heap_page(c.vcpu());
          const Page bad = descriptor_page(c, {0, kCode64, system_descriptor(9)});
          const Page other = descriptor_page(c);
          c.check_eq(set_gdt(c, {Gfn{uint64_t{1} << 38}}, 8), -XEN_EINVAL, "no such frame");
          c.check_eq(set_gdt(c, {writable.frame}, 8), -XEN_EINVAL, "a page that is mapped writable");
          c.check_eq(set_gdt(c, {bad.frame}, 1), -XEN_EINVAL, "a descriptor that is not allowed, behind the entries");
          c.check_eq(set_gdt(c, {other.frame, bad.frame}, kPerFrame + 1), -XEN_EINVAL, "in the second frame");
          const SeenGdt seen = seen_gdt(c);
          c.check_eq(seen.entries, 8, "entries in force");
          c.check_eq(seen.first_frame, good.frame.raw(), "frame in force");
          c.check_eq(remap(c.vcpu(), other, kLeafRw), 0, "nothing held of the first");
          c.check_eq(remap(c.vcpu(), bad, kLeafRw), 0, "nor of the second");
        },
}};

const Case kHeld{{
    .slug = "set_gdt.frames.held_until_replaced",
    .rule = "The frames of a GDT cannot be mapped writable; replacing the GDT or giving it up releases them.",
    .source = "public/xen.h, __HYPERVISOR_set_gdt",
    .requirements = {"GDT-003", "GDT-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          const Page first = descriptor_page(c);
          const Page second = descriptor_page(c);
          const auto map_writable = [&](const Page& table) { return remap(c.vcpu(), table, kLeafRw); };
          c.require_eq(set_gdt(c, {first.frame}, kPerFrame), 0, "the first table");
          c.check_eq(map_writable(first), -XEN_EBUSY, "writing to the one in force");
          c.require_eq(set_gdt(c, {second.frame}, kPerFrame), 0, "the second in its place");
          c.check_eq(map_writable(first), 0, "writing to the one replaced");
          c.check_eq(map_writable(second), -XEN_EBUSY, "writing to the one in force");
          c.require_eq(c.vcpu().hypercall(__HYPERVISOR_set_gdt, {0, 0}), 0, "no table");
          c.check_eq(seen_gdt(c).entries, 0, "entries in force");
          c.check_eq(map_writable(second), 0, "writing to the one given up");
        },
}};

const Case kFlat{{
    .slug = "set_gdt.none.flat_selectors_stay",
    .rule = "The descriptors from entry 7168 on are the hypervisor's: a guest runs on its flat selectors without a GDT "
            "of its own, and with one that holds nothing.",
    .source = "public/arch-x86/xen.h, FLAT_KERNEL_CS",
    .method = "The event callback is entered and left, which loads code and stack selectors.",
    .requirements = {"GDT-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          EventChannels channels(c.vcpu());
          const EvtchnPort port = channels.bind_ipi(0).port;
          c.vcpu().set_upcalls(true);
          c.require_eq(c.vcpu().hypercall(__HYPERVISOR_set_gdt, {0, 0}), 0, "no table");
          const uint64_t before = c.vcpu().upcalls().count;
          c.require_eq(channels.send(port), 0, "send");
          c.check_eq(c.vcpu().upcalls().count, before + 1, "upcalls without a table");
          const Page table = descriptor_page(c);
          const std::vector<Gfn> frames(14, table.frame);
          c.require_eq(set_gdt(c, frames, kEntriesMax), 0, "all entries empty");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "hypercalls");
          constexpr uint64_t kXensSlot = 1024;  // of the 15th page, which would be the hypervisor's first
          c.check_eq(set_gdt(c, std::vector<Gfn>(15, table.frame), 14 * kPerFrame + kXensSlot), -XEN_EINVAL,
                     "a table over the hypervisor's entries");
        },
}};

const Case kKinds{{
    .slug = "update_descriptor.kinds.allowed_or_einval",
    .rule = "What is not present is stored as it is; code and data get the guest's privilege level; of system "
            "descriptors only type 0 and call gates, which lose theirs and call ring 3, are allowed.",
    .source = "public/xen.h, __HYPERVISOR_update_descriptor",
    .method = "Into a GDT in force, read back through its read-only mapping.",
    .requirements = {"GDT-006", "GDT-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Page table = descriptor_page(c);
          c.require_eq(set_gdt(c, {table.frame}, 16), 0, "set-up: a table");
          const auto stored = [&](uint64_t slot) { return c.vcpu().read<uint64_t>(table.va + slot * 8); };
          const auto check_stored = [&](uint64_t descriptor, uint64_t expected, std::string_view what) {
            c.check_eq(update(c, place(table, 3), descriptor), 0, what);
            c.check_eq(stored(3), expected, what);
          };
          check_stored(kCode64, kCode64 | kLevel3, "64-bit code of level 0");
          check_stored(kData | kLevel3, kData | kLevel3, "data of level 3");
          check_stored(kData | uint64_t{1} << 45, kData | kLevel3, "data of level 1");
          check_stored(system_descriptor(9) & ~kPresent, system_descriptor(9) & ~kPresent, "a TSS that is not present");
          check_stored(kCode64 & ~kPresent, kCode64 & ~kPresent, "code that is not present");
          check_stored(system_descriptor(0), system_descriptor(0), "type 0");
          check_stored(kCallGate | kLevel3, kCallGateStored, "a call gate");
          check_stored(0, 0, "nothing");
          c.require_eq(update(c, place(table, 3), kData), 0, "set-up: something to keep");
          for (const uint64_t type : {1u, 2u, 3u, 5u, 7u, 9u, 11u, 14u, 15u}) {
            c.check_eq(update(c, place(table, 3), system_descriptor(type)), -XEN_EINVAL,
                       "type " + std::to_string(type));
          }
          c.check_eq(update(c, place(table, 3), kCallGate | uint64_t{1} << 37), -XEN_EINVAL, "reserved bit of a gate");
          constexpr uint64_t kXensSelector = uint64_t{0xe030} << 16;
          c.check_eq(update(c, place(table, 3), system_descriptor(12) | kXensSelector), -XEN_EINVAL,
                     "a gate to the hypervisor's code");
          constexpr uint64_t kFirstOfXen = uint64_t{FIRST_RESERVED_GDT_ENTRY * 8 | 3} << 16;
          c.check_eq(update(c, place(table, 3), system_descriptor(12) | kFirstOfXen), -XEN_EINVAL,
                     "a gate to the first of the hypervisor's segments");
          c.check_eq(update(c, place(table, 3) + 4, kData), -XEN_EINVAL, "not aligned");
          c.check_eq(stored(3), kData | kLevel3, "what was there stays");
          c.check_eq(stored(4), 0, "nothing behind it");
        },
}};

const Case kPageFixed{{
    .slug = "set_gdt.descriptors.level_raised_in_place",
    .rule = "When a page becomes a descriptor table the privilege level of its descriptors is raised to the guest's.",
    .source = "public/xen.h, __HYPERVISOR_set_gdt",
    .requirements = {"GDT-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Page table = descriptor_page(c, {0, kCode64, kData, kData & ~kPresent, kCallGate | kLevel3});
          c.require_eq(set_gdt(c, {table.frame}, 2), 0, "set_gdt");
          const auto now = c.vcpu().read<std::array<uint64_t, 6>>(table.va);
          const std::array<uint64_t, 6> expected{
              0, kCode64 | kLevel3, kData | kLevel3, kData & ~kPresent, kCallGateStored, 0};
          for (size_t i = 0; i < now.size(); ++i) c.check_eq(now[i], expected[i], "descriptor " + std::to_string(i));
        },
}};

const Case kWhere{{
    .slug = "update_descriptor.frame.own_memory_only",
    .rule =
        "update_descriptor stores to ordinary memory of the guest too; a frame that is not its own, or a page table, "
        "gives EINVAL.",
    .source = "public/xen.h, __HYPERVISOR_update_descriptor",
    .requirements = {"GDT-008"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          const Page page = heap_page(c.vcpu());
          c.check_eq(update(c, place(page, 0), kData), 0, "first place of a page");
          c.check_eq(update(c, place(page, 511), kCode64), 0, "last place of a page");
          c.check_eq(c.vcpu().read<uint64_t>(page.va), kData | kLevel3, "what is stored");
          c.check_eq(c.vcpu().read<uint64_t>(page.va + 511 * 8), kCode64 | kLevel3, "what is stored");
          c.check_eq(c.vcpu().read<uint64_t>(page.va + 8), 0, "nothing beside it");
          const Gva theirs = c.peer().alloc_pages(1);
          const uint64_t foreign = c.peer().gfn_of(theirs).raw();
          c.check_eq(update(c, foreign << kPageShift, kData), -XEN_EINVAL, "a frame of another guest");
          c.check_eq(c.peer().vcpu(0).read<uint64_t>(theirs), 0, "which is untouched");
          c.check_eq(update(c, uint64_t{1} << 50, kData), -XEN_EINVAL, "no such frame");
          const Page root = root_table(c.guest());
          const uint64_t before = entry_at(c.vcpu(), root, 0);
          c.check_eq(update(c, place(root, 0), kData), -XEN_EINVAL, "a page table");
          c.check_eq(entry_at(c.vcpu(), root, 0), before, "which is untouched");
        },
}};

}  // namespace
}  // namespace assay
