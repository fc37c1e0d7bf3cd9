/// Records of an HVM context other than the CPU's own, and what of it all the guest sees again.
#include <algorithm>
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/hvm_context.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/arch-x86/hvm/save.h";
constexpr uint16_t kCpu = HVM_SAVE_CODE(CPU), kApic = HVM_SAVE_CODE(LAPIC), kApicRegisters = HVM_SAVE_CODE(LAPIC_REGS);
constexpr uint16_t kPciLines = HVM_SAVE_CODE(PCI_IRQ), kIsaLines = HVM_SAVE_CODE(ISA_IRQ);
constexpr uint16_t kPciLinks = HVM_SAVE_CODE(PCI_LINK);
constexpr uint16_t kMemoryTypes = HVM_SAVE_CODE(MTRR), kMachineCheck = HVM_SAVE_CODE(VMCE_VCPU);
constexpr uint16_t kTscAdjust = HVM_SAVE_CODE(TSC_ADJUST);
constexpr uint16_t kDevices[] = {HVM_SAVE_CODE(PIC), HVM_SAVE_CODE(IOAPIC), HVM_SAVE_CODE(PIT),
                                 HVM_SAVE_CODE(RTC), HVM_SAVE_CODE(HPET),   HVM_SAVE_CODE(PMTIMER)};
constexpr uint64_t kRoom = 2 * kPageSize;
constexpr uint16_t kNoVcpu = 9;
constexpr uint64_t kDelayNs = 1'000'000;

constexpr uint32_t kStar = 0xc000'0081, kLstar = 0xc000'0082, kSfmask = 0xc000'0084, kTscAux = 0xc000'0103;
constexpr uint32_t kSysenterEip = 0x176, kMtrrFixed64k = 0x250, kMtrrDefault = 0x2ff;

/// The guest stands still while its context is changed, and runs on when this goes.
struct Stopped {
  explicit Stopped(CaseContext& c)
      : ops(c.dom0().vcpu(0), c.guest().id()), control(c.dom0().vcpu(0)), dom(c.guest().id()) {
    c.require_eq(control.pause(dom), 0, "set-up: pausing the guest");
    records = parse_hvm_stream(ops.save());
  }
  ~Stopped() { control.unpause(dom); }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

  int64_t set(const std::vector<HvmRecord>& changed) { return ops.set(make_hvm_stream(changed)); }
  /// All records, with one of them changed.
  template <typename Change>
  int64_t set(uint16_t type, uint16_t instance, Change change) {
    std::vector<HvmRecord> changed = records;
    change(*find(changed, type, instance));
    return set(changed);
  }
  /// A record more, before the end marker.
  int64_t set_more(const HvmRecord& record) {
    std::vector<HvmRecord> changed = records;
    changed.insert(changed.end() - 1, record);
    return set(changed);
  }
  static HvmRecord* find(std::vector<HvmRecord>& in, uint16_t type, uint16_t instance) {
    const auto found =
        std::ranges::find_if(in, [&](const HvmRecord& r) { return r.type == type && r.instance == instance; });
    if (found == in.end()) throw HarnessFault("no record of type " + std::to_string(type));
    return &*found;
  }

  HvmContextOps ops;
  DomctlOps control;
  DomId dom;
  std::vector<HvmRecord> records;
};

template <typename T>
void put(HvmRecord& record, size_t offset, T value) {
  std::memcpy(&record.body.at(offset), &value, sizeof value);
}

template <typename T>
T get(const HvmRecord& record, size_t offset) {
  T value;
  std::memcpy(&value, &record.body.at(offset), sizeof value);
  return value;
}

const Case kWhich{{
    .slug = "hvm_context.get.pvh.records_in_order",
    .rule =
        "The context of a PVH domain has, in the order of their numbers, records of each vCPU's local APIC and its "
        "registers, memory types, machine checks and TSC adjustment, of the interrupt lines of the domain, and of no "
        "device; those of a vCPU that is down as well, but for its CPU record.",
    .source = kSource,
    .requirements = {"MIG-032"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Stopped t(c);
          struct Expected {
            uint16_t type;
            size_t bytes;
            int count;
          };
          for (const Expected& expected :
               {Expected{kCpu, sizeof(hvm_hw_cpu), 1}, Expected{kApic, sizeof(hvm_hw_lapic), 2},
                Expected{kApicRegisters, sizeof(hvm_hw_lapic_regs), 2}, Expected{kPciLines, sizeof(hvm_hw_pci_irqs), 1},
                Expected{kIsaLines, sizeof(hvm_hw_isa_irqs), 1}, Expected{kPciLinks, sizeof(hvm_hw_pci_link), 1},
                Expected{kMemoryTypes, sizeof(hvm_hw_mtrr), 2}, Expected{kMachineCheck, sizeof(hvm_vmce_vcpu), 2},
                Expected{kTscAdjust, sizeof(hvm_tsc_adjust), 2}}) {
            const std::string type = "type " + std::to_string(expected.type);
            c.check_eq(std::ranges::count(t.records, expected.type, &HvmRecord::type), expected.count, type);
            const auto first = std::ranges::find(t.records, expected.type, &HvmRecord::type);
            if (first != t.records.end()) c.check_eq(first->body.size(), expected.bytes, "bytes of " + type);
          }
          for (const uint16_t device : kDevices) {
            c.check_eq(std::ranges::count(t.records, device, &HvmRecord::type), 0, "device " + std::to_string(device));
          }
          c.check(std::is_sorted(t.records.begin(), t.records.end() - 1,
                                 [](const HvmRecord& a, const HvmRecord& b) { return a.type < b.type; }),
                  "in the order of their numbers");
        },
}};

const Case kPartial{{
    .slug = "hvm_context.get_partial.each_type.which_error",
    .rule =
        "One record of each type can be asked for. ENOENT: no such vCPU, a second one of a domain, a device that there "
        "is not; ENODATA: a vCPU without such state; EINVAL: header, end marker, and what nobody knows.",
    .source = "public/domctl.h, xen_domctl_hvmcontext_partial",
    .requirements = {"MIG-017"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Stopped t(c);
          const auto ask = [&](uint32_t type, uint32_t instance) { return t.ops.get_partial(type, instance, kRoom); };
          for (const uint16_t type : {kApic, kApicRegisters, kMemoryTypes, kMachineCheck, kTscAdjust}) {
            const auto got = ask(type, 1);
            c.check_eq(got.result, 0, "of a vCPU that is down, type " + show(type));
            const HvmRecord& whole = *Stopped::find(t.records, type, 1);
            c.check_eq(got.arg.u.hvmcontext_partial.bufsz, whole.body.size(), "bytes");
            c.check(t.ops.bytes(whole.body.size()) == whole.body, "the same as in the whole context");
            c.check_eq(ask(type, kNoVcpu).result, -XEN_ENOENT, "no such vCPU");
          }
          for (const uint16_t type : {kPciLines, kIsaLines, kPciLinks}) {
            c.check_eq(ask(type, 0).result, 0, "of the domain, type " + show(type));
            c.check_eq(ask(type, 1).result, -XEN_ENOENT, "a second one");
          }
          for (const uint16_t type : kDevices) c.check_eq(ask(type, 0).result, -XEN_ENOENT, "device " + show(type));
          for (const uint32_t type : {uint32_t{CPU_XSAVE_CODE}, uint32_t{CPU_MSR_CODE}}) {
            c.check_eq(ask(type, 0).result, -XEN_ENODATA, "nothing to save, type " + show(type));
            c.check_eq(ask(type, kNoVcpu).result, -XEN_ENOENT, "nor such a vCPU");
          }
          for (const uint32_t type : {0u, 1u, HVM_SAVE_CODE_MAX + 1u}) {
            c.check_eq(ask(type, 0).result, -XEN_EINVAL, "type " + show(type));
          }
        },
}};

const Case kLengths{{
    .slug = "hvm_context.set.record_lengths.zero_extended_or_refused",
    .rule =
        "A record that is too long gives EINVAL, one of machine checks EPERM. A shorter one of the CPU, the local APIC "
        "or machine checks is filled up with zeros; of others EINVAL. A vCPU that there is not: EINVAL; the number of "
        "a "
        "domain's own record does not matter.",
    .source = "xen/arch/x86/hvm/save.c, hvm_load",
    .requirements = {"MIG-033"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Stopped t(c);
          const auto resized = [&](uint16_t type, int64_t bytes) {
            return t.set(type, 0, [bytes](HvmRecord& record) {
              record.body.resize(static_cast<size_t>(static_cast<int64_t>(record.body.size()) + bytes));
            });
          };
          const auto elsewhere = [&](uint16_t type) {
            return t.set(type, 0, [](HvmRecord& record) { record.instance = kNoVcpu; });
          };
          for (const uint16_t type :
               {kApic, kApicRegisters, kPciLines, kIsaLines, kPciLinks, kMemoryTypes, kTscAdjust}) {
            c.check_eq(resized(type, 8), -XEN_EINVAL, "too long, type " + show(type));
          }
          c.check_eq(resized(kMachineCheck, 1), -XEN_EPERM, "machine checks that are too long");
          for (const uint16_t type : {kApic, kMachineCheck})
            c.check_eq(resized(type, -8), 0, "short, type " + show(type));
          for (const uint16_t type : {kApicRegisters, kPciLines, kIsaLines, kPciLinks, kMemoryTypes, kTscAdjust}) {
            c.check_eq(resized(type, -8), -XEN_EINVAL, "short, type " + show(type));
          }
          for (const uint16_t type : {kApic, kApicRegisters, kMemoryTypes, kMachineCheck, kTscAdjust}) {
            c.check_eq(elsewhere(type), -XEN_EINVAL, "no such vCPU, type " + show(type));
          }
          for (const uint16_t type : {kPciLines, kIsaLines, kPciLinks}) {
            c.check_eq(elsewhere(type), 0, "another number, type " + show(type));
          }
          c.check_eq(t.set(t.records), 0, "the context as it was");
        },
}};

const Case kContents{{
    .slug = "hvm_context.set.record_contents.refused",
    .rule =
        "EINVAL: a local APIC in x2APIC mode that is off, more memory type ranges than there are, machine checks that "
        "the machine has not, an interrupt line that leads nowhere.",
    .source = kSource,
    .requirements = {"MIG-034"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Stopped t(c);
          const auto with = [&](uint16_t type, size_t offset, uint64_t value) {
            return t.set(type, 0, [=](HvmRecord& record) { put(record, offset, value); });
          };
          c.check_eq(with(kApic, offsetof(hvm_hw_lapic, apic_base_msr), 0xfee0'0500), -XEN_EINVAL, "x2APIC mode, off");
          c.check_eq(with(kMemoryTypes, offsetof(hvm_hw_mtrr, msr_mtrr_cap), 0xff), -XEN_EINVAL, "255 ranges");
          for (const unsigned bit : {9u, 10u, 24u, 40u}) {
            c.check_eq(with(kMachineCheck, offsetof(hvm_vmce_vcpu, caps), 1ull << bit), -XEN_EINVAL,
                       "machine checks, bit " + show(bit));
          }
          c.check_eq(with(kPciLinks, 0, 0x10), -XEN_EINVAL, "interrupt 16");
          c.check_eq(with(kPciLinks, 0, 0x0f), 0, "interrupt 15");
          c.check_eq(t.set(t.records), 0, "the context as it was");
        },
}};

const Case kAbsent{{
    .slug = "hvm_context.set.absent_state.which_error",
    .rule = "A record of a device that a PVH domain has not gives ENODEV; a list of MSRs that does not fill its record "
            "EOPNOTSUPP, one that is too short EINVAL, one with a register that there is not ENXIO; of an interface "
            "that is "
            "off, nothing happens.",
    .source = "xen/arch/x86/hvm/save.c, hvm_load",
    .requirements = {"MIG-035"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Stopped t(c);
          const auto record = [](uint16_t type, size_t bytes) {
            return HvmRecord{type, 0, std::vector<std::byte>(bytes)};
          };
          for (const uint16_t device : kDevices) {
            for (const size_t bytes : {size_t{0}, size_t{8}, size_t{48}}) {
              c.check_eq(t.set_more(record(device, bytes)), -XEN_ENODEV, "device " + show(device));
            }
          }
          c.check_eq(t.set_more(record(HVM_SAVE_CODE(VIRIDIAN_DOMAIN), 8)), 0, "viridian, which is off");
          c.check_eq(t.set_more(record(HVM_SAVE_CODE_MAX + 1, 8)), -XEN_EINVAL, "what nobody knows");
          const auto msrs = [&](uint32_t count, uint32_t index, uint32_t reserved, size_t more) {
            HvmRecord list = record(CPU_MSR_CODE, offsetof(hvm_msr, msr) + sizeof(hvm_msr::hvm_one_msr) + more);
            put(list, 0, count);
            put(list, offsetof(hvm_msr, msr), index);
            put(list, offsetof(hvm_msr, msr) + sizeof index, reserved);
            return list;
          };
          constexpr uint32_t kNoSuchRegister = 0x12345;
          c.check_eq(t.set_more(record(CPU_MSR_CODE, 8)), -XEN_EINVAL, "no MSR at all");
          c.check_eq(t.set_more(msrs(2, kNoSuchRegister, 0, 0)), -XEN_EOPNOTSUPP, "two, and room for one");
          c.check_eq(t.set_more(msrs(1, kNoSuchRegister, 0, 8)), -XEN_EOPNOTSUPP, "one, and more bytes");
          c.check_eq(t.set_more(msrs(1, kNoSuchRegister, 1, 0)), -XEN_EOPNOTSUPP, "reserved bits");
          c.check_eq(t.set_more(msrs(1, kNoSuchRegister, 0, 0)), -XEN_ENXIO, "a register that there is not");
          HvmRecord nobody = msrs(1, kNoSuchRegister, 0, 0);
          nobody.instance = kNoVcpu;
          c.check_eq(t.set_more(nobody), -XEN_EINVAL, "of a vCPU that there is not");
          c.check_eq(t.set(t.records), 0, "the context as it was");
        },
}};

const Case kSeenAgain{{
    .slug = "hvm_context.set.guest_registers.seen_by_guest",
    .rule =
        "What the guest wrote into its registers for system calls and its memory types is in its context, and what is "
        "set there the guest reads.",
    .source = kSource,
    .requirements = {"MIG-036"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kUncached = 0xc00, kWriteBack = 0xc06, kAllWriteBack = 0x0606'0606'0606'0606;
          c.require(!c.vcpu().wrmsr(kLstar, 0x1234'5678'9000).has_value(), "set-up: the guest writes LSTAR");
          c.require(!c.vcpu().wrmsr(kMtrrDefault, kWriteBack).has_value(), "set-up: and the default memory type");
          {
            Stopped t(c);
            const HvmRecord& cpu = *Stopped::find(t.records, kCpu, 0);
            c.check_eq(get<uint64_t>(cpu, offsetof(hvm_hw_cpu, msr_lstar)), 0x1234'5678'9000u, "LSTAR in the context");
            const HvmRecord& types = *Stopped::find(t.records, kMemoryTypes, 0);
            c.check_eq(get<uint64_t>(types, offsetof(hvm_hw_mtrr, msr_mtrr_def_type)), kWriteBack,
                       "default memory type");
            std::vector<HvmRecord> changed = t.records;
            HvmRecord& new_cpu = *Stopped::find(changed, kCpu, 0);
            put(new_cpu, offsetof(hvm_hw_cpu, msr_lstar), uint64_t{0x1111'0000});
            put(new_cpu, offsetof(hvm_hw_cpu, msr_star), uint64_t{0x2222'0000});
            put(new_cpu, offsetof(hvm_hw_cpu, msr_syscall_mask), uint64_t{0x300});
            put(new_cpu, offsetof(hvm_hw_cpu, msr_tsc_aux), uint64_t{0x44});
            put(new_cpu, offsetof(hvm_hw_cpu, sysenter_eip), uint64_t{0x5555'0000});
            HvmRecord& new_types = *Stopped::find(changed, kMemoryTypes, 0);
            put(new_types, offsetof(hvm_hw_mtrr, msr_mtrr_fixed), kAllWriteBack);
            put(new_types, offsetof(hvm_hw_mtrr, msr_mtrr_def_type), kUncached);
            c.require_eq(t.set(changed), 0, "setting others");
          }
          const auto read = [&](uint32_t index) { return c.vcpu().rdmsr(index).value; };
          c.check_eq(read(kLstar), 0x1111'0000u, "LSTAR");
          c.check_eq(read(kStar), 0x2222'0000u, "STAR");
          c.check_eq(read(kSfmask), 0x300u, "SFMASK");
          c.check_eq(read(kTscAux), 0x44u, "TSC_AUX");
          c.check_eq(read(kSysenterEip), 0x5555'0000u, "SYSENTER_EIP");
          c.check_eq(read(kMtrrFixed64k), kAllWriteBack, "first fixed range");
          c.check_eq(read(kMtrrDefault), kUncached, "default memory type");
        },
}};

const Case kTscGoesOn{{
    .slug = "hvm_context.set.tsc.counts_on_from_record",
    .rule = "The TSC of a vCPU goes on from what its CPU record says, whatever the machine's own is.",
    .source = "public/arch-x86/hvm/save.h, struct hvm_hw_cpu: tsc",
    .requirements = {"MIG-037"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kAhead = 1ull << 44;
          uint64_t saved = 0;
          {
            Stopped t(c);
            saved = get<uint64_t>(*Stopped::find(t.records, kCpu, 0), offsetof(hvm_hw_cpu, tsc));
            c.require_eq(t.set(kCpu, 0, [&](HvmRecord& cpu) { put(cpu, offsetof(hvm_hw_cpu, tsc), saved + kAhead); }),
                         0, "setting it far ahead");
          }
          const uint64_t first = c.vcpu().tsc();
          c.check(first >= saved + kAhead, "not before where it was set");
          c.check(first < saved + 2 * kAhead, "nor far behind it");
          c.vcpu().spin(kDelayNs);
          c.check(c.vcpu().tsc() > first, "and it counts");
          const uint64_t time = c.vcpu().time_ns();
          c.check(c.vcpu().time_ns() >= time, "system time goes on");
        },
}};

const Case kWriteChecks{{
    .slug = "msr.memory_types.kept_and_checked",
    .rule =
        "A memory type range keeps what the guest writes; a type that there is not, reserved bits, or an address that "
        "is too wide raise #GP and change nothing.",
    .source = "AMD64 Architecture Programmer's Manual, volume 2, 7.7",
    .requirements = {"MSR-009"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kBase = 0x200, kMask = 0x201;
          const auto keeps = [&](uint32_t index, uint64_t value) {
            c.check(!c.vcpu().wrmsr(index, value).has_value(), "MSR " + show(index) + " takes " + show(value));
            c.check_eq(c.vcpu().rdmsr(index).value, value, "MSR " + show(index) + " afterwards");
          };
          const auto refuses = [&](uint32_t index, uint64_t value) {
            const uint64_t before = c.vcpu().rdmsr(index).value;
            c.check(c.vcpu().wrmsr(index, value).has_value(), "MSR " + show(index) + " refuses " + show(value));
            c.check_eq(c.vcpu().rdmsr(index).value, before, "MSR " + show(index) + " afterwards");
          };
          keeps(kMtrrDefault, 0xc06);
          refuses(kMtrrDefault, 2);
          refuses(kMtrrDefault, 0x1006);
          keeps(kBase, 0x8000'0006);
          refuses(kBase, 0x8000'0002);
          refuses(kBase, 0x8000'0106);
          refuses(kBase, 1ull << 52);
          keeps(kMask, 0x8000'0800);
          refuses(kMask, 0x8000'0801);
          keeps(kMtrrFixed64k, 0x0606'0606'0606'0606);
          refuses(kMtrrFixed64k, 2);
        },
}};

}  // namespace
}  // namespace assay
