/// The wall clock of shared_info, and what the toolstack can do to a guest's clocks.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/hvm_ops.hpp"
#include "conformance/guest/pvclock.hpp"
#include "conformance/guest/wait.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr int64_t kHour = 3600;
constexpr uint32_t kAlwaysEmulate = 1, kNeverEmulate = 2;
constexpr uint32_t kNsPerSecond = 1'000'000'000;

void set_offset(CaseContext& c, DomctlOps& control, int64_t seconds) {
  auto request = DomctlOps::request(XEN_DOMCTL_settimeoffset, c.guest().id());
  request.u.settimeoffset.time_offset_seconds = seconds;
  c.require_eq(control.call(request).result, 0, "settimeoffset");
}

const Case kWallVersion{{
    .slug = "time.wallclock.version.even_and_grows",
    .rule = "The version of the wall clock is even while nobody writes it, and greater after each update.",
    .source = "public/xen.h, struct shared_info, wc_version",
    .requirements = {"TIME-008"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          WallClock last = wall_clock(c.vcpu());
          c.check(last.version != 0, "written before the guest runs");
          c.check_eq(last.version & 1, 0u, "even at first");
          for (const int64_t offset : {kHour, -kHour}) {
            set_offset(c, control, offset);
            const WallClock now = wall_clock(c.vcpu());
            c.check_eq(now.version & 1, 0u, "even after an update");
            c.check(static_cast<int32_t>(now.version - last.version) > 0, "greater than before");
            last = now;
          }
        },
}};

const Case kWallTime{{
    .slug = "time.wallclock.offset.included",
    .rule = "The wall clock is that of the machine plus the domain's time offset; system time comes on top.",
    .source = "public/xen.h, struct shared_info, wc_sec",
    .method = "Compared with dom0's, which has no offset; offsets forwards, backwards and back to none.",
    .requirements = {"TIME-009"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const WallClock machine = wall_clock(c.dom0().vcpu(0));
          constexpr uint64_t kYear2000 = 946'684'800;
          c.check(machine.seconds > kYear2000, "a time of our age");
          c.check(machine.ns < kNsPerSecond, "nanoseconds within a second");
          const auto ahead_s = [&] {
            const WallClock guest = wall_clock(c.vcpu());
            return static_cast<int64_t>(guest.seconds - machine.seconds);
          };
          c.check_eq(ahead_s(), 0, "a new guest's clock is the machine's");
          c.check_eq(wall_clock(c.vcpu()).ns, machine.ns, "to the nanosecond");
          for (const int64_t offset : {kHour, -2 * kHour, int64_t{0}}) {
            set_offset(c, control, offset);
            c.check_eq(ahead_s(), offset, "seconds ahead of the machine's");
            c.check_eq(wall_clock(c.dom0().vcpu(0)).seconds, machine.seconds, "dom0's own is as it was");
          }
        },
}};

xen_domctl_tsc_info tsc_info(CaseContext& c, DomctlOps& control) {
  const auto got = control.call(XEN_DOMCTL_gettscinfo, c.guest().id());
  c.require_eq(got.result, 0, "gettscinfo");
  return got.arg.u.tsc_info;
}

void set_tsc_info(CaseContext& c, DomctlOps& control, const xen_domctl_tsc_info& info) {
  auto request = DomctlOps::request(XEN_DOMCTL_settscinfo, c.guest().id());
  request.u.tsc_info = info;
  c.require_eq(control.call(request).result, 0, "settscinfo");
}

const Case kEmulated{{
    .slug = "time.tsc.always_emulate.one_frequency",
    .rule =
        "With an emulated TSC, RDTSC runs at the rate the toolstack gave, and CPUID and the time record say the same.",
    .source = "public/arch-x86/cpuid.h, XEN_CPUID_LEAF(3)",
    .method = "A rate that is not the host's; ticks are compared with system time over a delay.",
    .requirements = {"TIME-011"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          HvmOps clock(c.vcpu());
          xen_domctl_tsc_info info = tsc_info(c, control);
          constexpr uint32_t kKhz = 700'000;
          info.tsc_mode = kAlwaysEmulate;
          info.gtsc_khz = kKhz;
          set_tsc_info(c, control, info);
          const auto leaf = c.vcpu().cpuid(XEN_CPUID_LEAF(3)).value;
          c.check_eq(leaf[0] & 1, 1u, "CPUID: emulated");
          c.check_eq(leaf[1], kAlwaysEmulate, "CPUID: mode");
          c.check_eq(leaf[2], kKhz, "CPUID: rate");
          constexpr uint64_t kTicksPerMs = kKhz;
          constexpr uint64_t kNsPerMs = 1'000'000;
          const uint64_t tsc = c.vcpu().tsc();
          const uint64_t ns_before = clock.time().arg.now;
          c.vcpu().spin(kDelayNs);
          const uint64_t ns_after = clock.time().arg.now;
          const uint64_t ticks = c.vcpu().tsc() - tsc;
          c.check(ticks >= (ns_after - ns_before) / kNsPerMs * kTicksPerMs, "ticks cover the time between");
          c.check(c.vcpu().time_ns() + clock_error_ns(c) >= ns_after, "the time record is not behind");
          c.check(ticks < (ns_after - ns_before) / kNsPerMs * kTicksPerMs * 2 + 100 * kTicksPerMs,
                  "and are not those of a faster clock");
        },
}};

const Case kIncarnation{{
    .slug = "time.tsc.settscinfo.incarnation_plus_one",
    .rule = "Setting a TSC's state makes its incarnation one more than the one given, as the guest sees by CPUID.",
    .source = "public/domctl.h, struct xen_domctl_tsc_info",
    .requirements = {"TIME-012"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          xen_domctl_tsc_info info = tsc_info(c, control);
          for (const uint32_t given : {7u, 41u}) {
            info.incarnation = given;
            set_tsc_info(c, control, info);
            c.check_eq(tsc_info(c, control).incarnation, given + 1, "gettscinfo");
            c.check_eq(c.vcpu().cpuid(XEN_CPUID_LEAF(3)).value[3], given + 1, "CPUID");
          }
          auto request = DomctlOps::request(XEN_DOMCTL_settscinfo, c.guest().id());
          request.u.tsc_info = info;
          request.u.tsc_info.tsc_mode = 99;
          request.u.tsc_info.incarnation = 100;
          c.check_ne(control.call(request).result, 0, "an unknown mode");
          c.check_eq(tsc_info(c, control).incarnation, 42u, "incarnation after the refusal");
        },
}};

const Case kAgeGoesOn{{
    .slug = "time.tsc.settscinfo.age_goes_on",
    .rule = "A domain's age goes on from what settscinfo gave it; where a PV domain's TSC is always emulated it "
            "follows the "
            "age; a TSC that is never emulated has none.",
    .source = "public/domctl.h, struct xen_domctl_tsc_info: elapsed_nsec",
    .requirements = {"MIG-038"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kAge = 1000 * kNsPerSecond, kPatience = 500 * kNsPerSecond;
          DomctlOps control(c.dom0().vcpu(0));
          xen_domctl_tsc_info info = tsc_info(c, control);
          info.tsc_mode = kAlwaysEmulate;
          info.elapsed_nsec = kAge;
          set_tsc_info(c, control, info);
          const uint64_t first = tsc_info(c, control).elapsed_nsec;
          c.check(first >= kAge && first < kAge + kPatience, "the age that was given");
          c.vcpu().spin(kDelayNs);
          const uint64_t later = tsc_info(c, control).elapsed_nsec;
          c.check(later > first && later < kAge + kPatience, "it grows");
          constexpr uint64_t kNsPerMs = 1'000'000;
          if (c.pv()) c.check(c.vcpu().tsc() >= kAge / kNsPerMs * info.gtsc_khz, "the TSC follows");
          info.tsc_mode = kNeverEmulate;
          set_tsc_info(c, control, info);
          c.check_eq(tsc_info(c, control).elapsed_nsec, 0u, "age of one that is never emulated");
        },
}};

}  // namespace
}  // namespace assay
