/// The state of an HVM domain as save records: the part of a migration that hypercalls show.
#include "conformance/guest/hvm_context.hpp"

#include <algorithm>
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/vcpu_ops.hpp"

namespace assay {
namespace {

constexpr uint16_t kHeader = HVM_SAVE_CODE(HEADER);
constexpr uint16_t kCpu = HVM_SAVE_CODE(CPU);
constexpr uint16_t kEnd = HVM_SAVE_CODE(END);

/// Keeps the guest paused, so that its state stands still between two looks.
class Paused {
 public:
  explicit Paused(CaseContext& c) : ops_(c.dom0().vcpu(0)), dom_(c.guest().id()) {
    c.require_eq(ops_.pause(dom_), 0, "set-up: pausing the guest");
  }
  ~Paused() { ops_.unpause(dom_); }
  Paused(const Paused&) = delete;
  Paused& operator=(const Paused&) = delete;

 private:
  DomctlOps ops_;
  DomId dom_;
};

bool is_cpu(const HvmRecord& record, uint16_t instance) {
  return record.type == kCpu && record.instance == instance;
}

const Case kSize{{
    .slug = "hvm_context.get.no_buffer.size_told",
    .rule =
        "Without a buffer gethvmcontext tells how much room the context needs; with less than it needs: ENOSPC, and "
        "nothing is written.",
    .source = "public/domctl.h, xen_domctl_hvmcontext",
    .requirements = {"MIG-013"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Paused paused(c);
          const auto asked = ops.get(0, false);
          c.check_eq(asked.result, 0, "without a buffer");
          const uint32_t size = asked.arg.u.hvmcontext.size;
          c.check(size > sizeof(hvm_hw_cpu), "room for one CPU at least");
          c.check_eq(ops.get(size - 1).result, -XEN_ENOSPC, "one byte less");
          c.check_eq(ops.get(0).result, -XEN_ENOSPC, "no room at all");
          c.check(ops.bytes(64) == std::vector<std::byte>(64, std::byte{kUntouchedByte}), "nothing was written");
          const auto got = ops.get(size);
          c.check_eq(got.result, 0, "as much as was told");
          c.check(got.arg.u.hvmcontext.size <= size, "it is not more than was told");
        },
}};

const Case kStream{{
    .slug = "hvm_context.get.stream.header_first_end_last",
    .rule =
        "The context begins with the header and ends with an end marker without body; each vCPU that is up has a CPU "
        "record in between, and one that is down has none.",
    .source = "public/arch-x86/hvm/save.h",
    .requirements = {"MIG-013", "MIG-015"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Paused paused(c);
          const std::vector<HvmRecord> records = parse_hvm_stream(ops.save());
          c.require(records.size() >= 3, "three records at least");
          c.check_eq(records.front().type, kHeader, "first record");
          c.require_eq(records.front().body.size(), sizeof(hvm_save_header), "length of the header");
          hvm_save_header header;
          std::memcpy(&header, records.front().body.data(), sizeof header);
          c.check_eq(header.magic, uint32_t{HVM_FILE_MAGIC}, "magic");
          c.check_eq(header.version, uint32_t{HVM_FILE_VERSION}, "version");
          c.check_eq(records.back().type, kEnd, "last record");
          c.check_eq(records.back().body.size(), 0u, "its length");
          c.check_eq(std::ranges::count_if(records, [](const HvmRecord& r) { return is_cpu(r, 0); }), 1, "CPU 0");
          c.check_eq(std::ranges::count_if(records, [](const HvmRecord& r) { return is_cpu(r, 1); }), 0, "CPU 1");
        },
}};

/// The stream with its CPU record changed.
template <typename Change>
std::vector<HvmRecord> with_cpu(std::vector<HvmRecord> records, Change change) {
  for (HvmRecord& record : records) {
    if (!is_cpu(record, 0)) continue;
    hvm_hw_cpu cpu;
    std::memcpy(&cpu, record.body.data(), sizeof cpu);
    change(cpu);
    std::memcpy(record.body.data(), &cpu, sizeof cpu);
  }
  return records;
}

const Case kBadCpu{{
    .slug = "hvm_context.set.bad_cpu.einval",
    .rule = "A CPU record with control registers, flags, padding, length or a number that cannot be gives EINVAL.",
    .source = "public/arch-x86/hvm/save.h, struct hvm_hw_cpu",
    .method = "One field of a good record at a time.",
    .requirements = {"MIG-019"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Paused paused(c);
          const std::vector<HvmRecord> good = parse_hvm_stream(ops.save());
          const auto refused = [&](auto change, std::string_view what) {
            c.check_eq(ops.set(make_hvm_stream(with_cpu(good, change))), -XEN_EINVAL, what);
          };
          refused([](hvm_hw_cpu& cpu) { cpu.pad0 = 1; }, "padding");
          refused([](hvm_hw_cpu& cpu) { cpu.flags |= 1u << 1; }, "an unknown flag");
          refused([](hvm_hw_cpu& cpu) { cpu.cr0 |= 1ull << 40; }, "a CR0 bit that does not exist");
          refused([](hvm_hw_cpu& cpu) { cpu.cr0 &= ~1ull; }, "paging without protected mode");
          refused([](hvm_hw_cpu& cpu) { cpu.cr4 |= 1ull << 40; }, "a CR4 bit that does not exist");
          refused([](hvm_hw_cpu& cpu) { cpu.msr_efer |= 1ull << 40; }, "an EFER bit that does not exist");
          refused([](hvm_hw_cpu& cpu) { cpu.msr_efer &= ~(1ull << 8); }, "long mode active and not enabled");
          std::vector<HvmRecord> changed = good;
          const auto cpu = std::ranges::find_if(changed, [](const HvmRecord& r) { return is_cpu(r, 0); });
          cpu->instance = 77;
          c.check_eq(ops.set(make_hvm_stream(changed)), -XEN_EINVAL, "a vCPU that does not exist");
          cpu->instance = 0;
          cpu->body.resize(8);
          c.check_eq(ops.set(make_hvm_stream(changed)), -XEN_EINVAL, "too short");
          std::vector<HvmRecord> twice = good;
          twice.insert(twice.end() - 1, good.front());
          c.check_eq(ops.set(make_hvm_stream(twice)), -XEN_EINVAL, "a second header");
          c.check_eq(ops.set(make_hvm_stream(good)), 0, "the good record");
        },
}};

const Case kRefused{{
    .slug = "hvm_context.set.malformed.refused",
    .rule =
        "A context must begin with the header (ENODATA) and have an end marker (ENODATA); a record that nobody knows "
        "gives EINVAL, and so does a header of something else.",
    .source = "xen/arch/x86/hvm/save.c, hvm_load",
    .requirements = {"MIG-014"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Paused paused(c);
          const std::vector<HvmRecord> good = parse_hvm_stream(ops.save());
          const auto set = [&](std::vector<HvmRecord> records) { return ops.set(make_hvm_stream(records)); };
          c.check_eq(set({}), -XEN_ENODATA, "an empty stream");
          c.check_eq(set({good.begin() + 1, good.end()}), -XEN_ENODATA, "no header");
          c.check_eq(set({good.begin(), good.end() - 1}), -XEN_ENODATA, "no end marker");
          std::vector<HvmRecord> unknown = good;
          unknown.insert(unknown.end() - 1, HvmRecord{200, 0, std::vector<std::byte>(8)});
          c.check_eq(set(unknown), -XEN_EINVAL, "an unknown record");
          std::vector<HvmRecord> foreign = good;
          foreign.front().body[0] ^= std::byte{1};
          c.check_eq(set(foreign), -XEN_EINVAL, "another magic number");
          c.check_eq(set(good), 0, "the context as it was");
        },
}};

const Case kOffline{{
    .slug = "hvm_context.set.no_cpu_record.vcpu_down",
    .rule = "Setting a context takes every vCPU down and brings those up again that have a CPU record.",
    .source = "xen/arch/x86/hvm/save.c, hvm_load",
    .method = "Two vCPUs are up; the record of the second one is left out.",
    .requirements = {"MIG-015"},
    .guests = GuestTypes::kPvh,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          VcpuOps vcpus(c.vcpu(0));
          c.require_eq(vcpus.is_up(1), 1, "set-up: the second vCPU is up");
          {
            const Paused paused(c);
            const std::vector<std::byte> whole = ops.save();
            std::vector<HvmRecord> records = parse_hvm_stream(whole);
            c.check_eq(std::erase_if(records, [](const HvmRecord& r) { return r.instance == 1; }) > 0, true,
                       "the second vCPU had records");
            c.check_eq(ops.set(whole), 0, "setting all of it");
            c.check(parse_hvm_stream(ops.save()).size() > records.size(), "both are up");
            c.check_eq(ops.set(make_hvm_stream(records)), 0, "setting it without the second vCPU");
          }
          c.check_eq(vcpus.is_up(0), 1, "the first vCPU");
          c.check_eq(vcpus.is_up(1), 0, "the second vCPU");
        },
}};

/// What depends on when it was saved.
std::vector<HvmRecord> without_time(std::vector<HvmRecord> records) {
  for (HvmRecord& record : records) {
    if (record.type == kCpu) std::memset(&record.body[offsetof(hvm_hw_cpu, tsc)], 0, sizeof(hvm_hw_cpu::tsc));
  }
  return records;
}

const Case kRoundTrip{{
    .slug = "hvm_context.set.what_was_saved.saved_again_alike",
    .rule = "A context that was saved and loaded is saved again as it was, but for the time; and the guest runs on.",
    .source = "public/arch-x86/hvm/save.h",
    .requirements = {"MIG-016"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Gva va = c.guest().alloc_pages(1);
          c.vcpu().write(va, uint64_t{5});
          {
            const Paused paused(c);
            const std::vector<std::byte> first = ops.save();
            c.require_eq(ops.set(first), 0, "loading it");
            const auto before = without_time(parse_hvm_stream(first));
            const auto after = without_time(parse_hvm_stream(ops.save()));
            c.require_eq(after.size(), before.size(), "records");
            for (size_t i = 0; i < before.size(); ++i) {
              c.check(after[i] == before[i],
                      "record " + std::to_string(i) + " of type " + std::to_string(before[i].type));
            }
          }
          c.check_eq(c.vcpu().read<uint64_t>(va), 5u, "the guest runs on");
          c.check_eq(VcpuOps(c.vcpu()).is_up(1), 0, "a hypercall in the mode that it was in");
        },
}};

const Case kPartial{{
    .slug = "hvm_context.get_partial.one_record.body_told",
    .rule = "gethvmcontext_partial hands out the body of one record; no such instance gives ENOENT, too little room "
            "ENOBUFS and nothing is written; without a buffer it tells the size.",
    .source = "public/domctl.h, xen_domctl_hvmcontext_partial",
    .requirements = {"MIG-017"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Paused paused(c);
          const std::vector<HvmRecord> records = parse_hvm_stream(ops.save());
          const auto cpu = std::ranges::find_if(records, [](const HvmRecord& r) { return is_cpu(r, 0); });
          c.require(cpu != records.end(), "set-up: a CPU record");
          const uint64_t size = cpu->body.size();
          const auto asked = ops.get_partial(kCpu, 0, 0, false);
          c.check_eq(asked.result, 0, "without a buffer");
          c.check_eq(asked.arg.u.hvmcontext_partial.bufsz, size, "size");
          c.check_eq(ops.get_partial(kCpu, 0, size - 1).result, -XEN_ENOBUFS, "too little room");
          c.check(ops.bytes(8) == std::vector<std::byte>(8, std::byte{kUntouchedByte}), "nothing was written");
          c.check_eq(ops.get_partial(kCpu, 0, size).result, 0, "the record");
          c.check(without_time({{kCpu, 0, ops.bytes(size)}}) == without_time({*cpu}), "its body");
          c.check_eq(ops.get_partial(kCpu, 77, size).result, -XEN_ENOENT, "no such vCPU");
          c.check_eq(ops.get_partial(kCpu, 1, size).result, -XEN_ENODATA, "a vCPU that is down");
          c.check_eq(ops.get_partial(200, 0, size).result, -XEN_EINVAL, "no such record");
        },
}};

const Case kPvDomain{{
    .slug = "hvm_context.target.no_hvm_domain.einval",
    .rule = "A PV domain, or the caller itself, has no HVM context: EINVAL.",
    .source = "xen/arch/x86/domctl.c, arch_do_domctl",
    .requirements = {"MIG-013", "MIG-014", "MIG-017"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (const DomId dom : {c.guest().id(), c.dom0().id()}) {
            HvmContextOps ops(c.dom0().vcpu(0), dom);
            c.check_eq(ops.get(0, false).result, -XEN_EINVAL, "get");
            c.check_eq(ops.set({}), -XEN_EINVAL, "set");
            c.check_eq(ops.get_partial(kCpu, 0, 4096).result, -XEN_EINVAL, "get one record");
          }
        },
}};

const Case kLongRecord{{
    .slug = "hvm_context.set.record_too_long.einval",
    .rule = "A CPU record that is longer than there is room for is refused: EINVAL.",
    .source = "public/hvm/save.h",
    .requirements = {"MIG-013"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          HvmContextOps ops(c.dom0().vcpu(0), c.guest().id());
          const Paused paused(c);
          const std::vector<std::byte> sound = ops.save();
          std::vector<HvmRecord> records = parse_hvm_stream(sound);
          for (HvmRecord& record : records) {
            if (record.type == kCpu) record.body.resize(record.body.size() + 8);
          }
          c.check_eq(ops.set(make_hvm_stream(records)), -XEN_EINVAL, "a record with eight bytes more");
          c.check_eq(ops.set(sound), 0, "the context as it was");
        },
}};

}  // namespace
}  // namespace assay
