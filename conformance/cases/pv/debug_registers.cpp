/// set_debugreg and get_debugreg of a PV64 vCPU.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr uint64_t kGeneralDetect = 1u << 13;
constexpr uint64_t kDr6Fixed = 0xffff'0ff0;
constexpr uint64_t kDr7Fixed = 0x400;
constexpr uint64_t kIoBreakpoint = 0x0002'0000;  ///< R/W of breakpoint 0 says I/O

int64_t set(CaseContext& c, uint64_t number, uint64_t value) {
  return c.vcpu().hypercall(__HYPERVISOR_set_debugreg, {number, value});
}
uint64_t get(CaseContext& c, uint64_t number) {
  return static_cast<uint64_t>(c.vcpu().hypercall(__HYPERVISOR_get_debugreg, {number}));
}

const Case kHypervisorAddress{{
    .slug = "debugreg.set.address_of_hypervisor.eperm",
    .rule = "Breakpoint addresses in the hypervisor's range are refused with EPERM and the register keeps its value.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START",
    .requirements = {"DBG-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (uint64_t number = 0; number < 4; ++number) {
            const std::string what = "dr" + std::to_string(number);
            const uint64_t good = 0x1234'5000 + number;
            c.check_eq(set(c, number, good), 0, what + ": an address of the guest");
            for (const uint64_t bad : {uint64_t{HYPERVISOR_VIRT_START}, uint64_t{HYPERVISOR_VIRT_END - 1}}) {
              c.check_eq(set(c, number, bad), -XEN_EPERM, what + ": the hypervisor's");
            }
            c.check_eq(get(c, number), good, what + ": unchanged");
            c.check_eq(set(c, number, HYPERVISOR_VIRT_END), 0, what + ": behind the hypervisor");
            c.check_eq(get(c, number), HYPERVISOR_VIRT_END, what + ": read back");
            c.check_eq(set(c, number, 0), 0, what + ": clear again");
          }
        },
}};

const Case kAliases{{
    .slug = "debugreg.alias.dr4_and_dr5",
    .rule = "Without CR4.DE registers 4 and 5 are other names of 6 and 7, to read and to write.",
    .source = "AMD64 manual, volume 2, section 13.1.1",
    .requirements = {"DBG-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          c.check_eq(set(c, 4, 0xf), 0, "dr4");
          c.check_eq(get(c, 6), kDr6Fixed | 0xf, "dr6 has it");
          c.check_eq(set(c, 6, 0x2), 0, "dr6");
          c.check_eq(get(c, 4), kDr6Fixed | 0x2, "dr4 has it");
          c.check_eq(set(c, 5, 0x1), 0, "dr5");
          c.check_eq(get(c, 7), kDr7Fixed | 0x1, "dr7 has it");
          c.check_eq(set(c, 7, 0), 0, "dr7");
          c.check_eq(get(c, 5), kDr7Fixed, "dr5 has it");
        },
}};

const Case kUpperHalf{{
    .slug = "debugreg.set.upper_half.einval",
    .rule = "A value with any of the upper 32 bits set is refused for DR6 and DR7 with EINVAL, and nothing changes.",
    .source = "AMD64 manual, volume 2, section 13.1.1: the upper 32 bits must be zero",
    .requirements = {"DBG-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (const uint64_t number : {6u, 7u}) {
            const std::string what = "dr" + std::to_string(number);
            const uint64_t before = get(c, number);
            c.check_eq(set(c, number, 1ull << 32), -XEN_EINVAL, what + ": bit 32");
            c.check_eq(set(c, number, 1ull << 63), -XEN_EINVAL, what + ": bit 63");
            c.check_eq(get(c, number), before, what + ": unchanged");
            c.check_eq(set(c, number, 0), 0, what + ": the lower half");
          }
        },
}};

const Case kForbidden{{
    .slug = "debugreg.set.general_detect_or_io.eperm",
    .rule = "General detect in DR7, and I/O breakpoints without CR4.DE, are refused with EPERM; DR7 keeps its value.",
    .source = "AMD64 manual, volume 2, section 13.1.1",
    .requirements = {"DBG-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          c.require_eq(set(c, 7, 0), 0, "clear");
          c.check_eq(set(c, 7, kGeneralDetect), -XEN_EPERM, "general detect");
          for (unsigned i = 0; i < 4; ++i) {
            c.check_eq(set(c, 7, kIoBreakpoint << 4 * i | 1ull << 2 * i), -XEN_EPERM,
                       "I/O breakpoint " + std::to_string(i));
          }
          c.check_eq(get(c, 7), kDr7Fixed, "unchanged");
          c.check_eq(set(c, 7, 0x0003'0000), 0, "a breakpoint on data, not enabled");
          c.check_eq(get(c, 7), kDr7Fixed | 0x0003'0000, "read back");
          c.check_eq(set(c, 7, 0), 0, "clear again");
        },
}};

const Case kFixedBits{{
    .slug = "debugreg.set.reserved_bits.as_the_processor_has_them",
    .rule = "Reserved bits of DR6 and DR7 read as the architecture has them, whatever was written.",
    .source = "AMD64 manual, volume 2, section 13.1.1",
    .requirements = {"DBG-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          c.check_eq(set(c, 6, 0), 0, "dr6: none");
          c.check_eq(get(c, 6), kDr6Fixed, "dr6: ones");
          c.check_eq(set(c, 6, 0xffff'ffff), 0, "dr6: all");
          c.check_eq(get(c, 6) & 1u << 12, 0, "dr6: bit 12");
          c.check_eq(get(c, 6) & 0xf, 0xf, "dr6: the breakpoints' bits");
          c.check_eq(set(c, 6, 0), 0, "dr6: none again");
          c.check_eq(set(c, 7, 0), 0, "dr7: none");
          c.check_eq(get(c, 7), kDr7Fixed, "dr7: bit 10");
          c.check_eq(set(c, 7, 0xd800), 0, "dr7: bits that are zero");
          c.check_eq(get(c, 7), kDr7Fixed, "dr7: they stay zero");
        },
}};

const Case kNoSuchRegister{{
    .slug = "debugreg.number_above_7.enodev",
    .rule = "There are no registers above 7: ENODEV to set and to get; what get returns is the value or the error.",
    .source = "public/xen.h, HYPERVISOR_set_debugreg, HYPERVISOR_get_debugreg",
    .method = "A value that looks like an error comes back as it was written.",
    .requirements = {"DBG-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (const uint64_t number : {8u, 9u, 16u, 0x7fffffffu}) {
            const std::string what = "dr" + std::to_string(number);
            c.check_eq(set(c, number, 0), -XEN_ENODEV, what + ": set");
            c.check_eq(static_cast<int64_t>(get(c, number)), -XEN_ENODEV, what + ": get");
          }
          const auto like_an_error = static_cast<uint64_t>(int64_t{-XEN_ENODEV});
          c.check_eq(set(c, 0, like_an_error), 0, "an address that looks like an error");
          c.check_eq(get(c, 0), like_an_error, "comes back");
          c.check_eq(set(c, 0, 0), 0, "clear again");
        },
}};

}  // namespace
}  // namespace assay
