/// Time records: the version protocol, the scale, and what time they give.
#include "conformance/guest/pvclock.hpp"

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/hvm_ops.hpp"
#include "conformance/guest/scratch.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

/// Registers a time area, which makes the hypervisor write the vCPU's record anew.
class Refresher {
 public:
  explicit Refresher(CaseContext& c, uint32_t vcpu = 0) : c_(c), vcpu_(vcpu), ops_(c.vcpu(vcpu)), area_(c.vcpu(vcpu)) {}
  void refresh() { c_.require_eq(ops_.register_time_area(vcpu_, area_.va()), 0, "register_vcpu_time_memory_area"); }
  [[nodiscard]] Gva area() const { return area_.va(); }

 private:
  CaseContext& c_;
  uint32_t vcpu_;
  VcpuOps ops_;
  Scratch area_;
};

/// Two readings of the hypervisor's own clock around one of the guest's: it must lie in between.
void check_consistent(CaseContext& c, Vcpu& vcpu, std::string_view what) {
  HvmOps clock(vcpu);
  const uint64_t error = clock_error_ns(c);
  const uint64_t before = clock.time().arg.now;
  const auto record = stable_record(vcpu, time_record_of(vcpu.domain(), vcpu.id()));
  const uint64_t seen = pvclock_ns(record, vcpu.tsc());
  const uint64_t after = clock.time().arg.now;
  c.check(seen + error >= before, std::string(what) + ": not behind the hypervisor's clock");
  c.check(seen <= after + error, std::string(what) + ": not ahead of the hypervisor's clock");
}

const Case kVersion{{
    .slug = "time.record.version.even_and_grows",
    .rule = "The version of a time record is even while nobody writes, and greater after each update.",
    .source = "public/xen.h, struct vcpu_time_info, version",
    .requirements = {"TIME-001"},
    .body =
        [](CaseContext& c) {
          Refresher refresher(c);
          const Gva at = time_record_of(c.guest(), 0);
          auto version = c.vcpu().read<uint32_t>(at);
          c.check_eq(version & 1, 0u, "even at first");
          c.check(version != 0, "a vCPU that runs has a record");
          for (int i = 0; i < 3; ++i) {
            c.vcpu().spin(kWatchNs / 10);
            refresher.refresh();
            const auto next = c.vcpu().read<uint32_t>(at);
            c.check_eq(next & 1, 0u, "even after an update");
            c.check(static_cast<int32_t>(next - version) > 0, "greater than before");
            version = next;
          }
        },
}};

const Case kScale{{
    .slug = "time.record.scale.hypervisors_clock",
    .rule = "system_time plus the scaled TSC delta is the hypervisor's system time.",
    .source = "public/xen.h, struct vcpu_time_info",
    .method = "Compared with HVMOP_get_time, right after an update and later.",
    .requirements = {"TIME-002"},
    .body =
        [](CaseContext& c) {
          Refresher(c).refresh();
          check_consistent(c, c.vcpu(), "after an update");
          const auto record = stable_record(c.vcpu(), time_record_of(c.guest(), 0));
          c.check(record.tsc_to_system_mul >> 31 == 1, "the multiplier has its top bit set: full precision");
          c.vcpu().spin(kDelayNs);
          check_consistent(c, c.vcpu(), "later");
        },
}};

const Case kNegativeShift{{
    .slug = "time.record.negative_shift.shifts_right",
    .rule = "For a TSC faster than 2 GHz the shift is negative, which means to the right, before multiplying.",
    .source = "public/xen.h, struct vcpu_time_info, tsc_shift",
    .method = "The toolstack gives the guest an emulated TSC of 5 GHz, then one of 0.3 GHz.",
    .requirements = {"TIME-003"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Refresher refresher(c);
          const auto set_rate = [&](uint32_t khz) {
            auto request = DomctlOps::request(XEN_DOMCTL_settscinfo, c.guest().id());
            request.u.tsc_info = control.call(XEN_DOMCTL_gettscinfo, c.guest().id()).arg.u.tsc_info;
            request.u.tsc_info.tsc_mode = 1;
            request.u.tsc_info.gtsc_khz = khz;
            c.require_eq(control.call(request).result, 0, "settscinfo");
            refresher.refresh();
            return stable_record(c.vcpu(), time_record_of(c.guest(), 0)).tsc_shift;
          };
          c.check(set_rate(5'000'000) < 0, "negative shift at 5 GHz");
          check_consistent(c, c.vcpu(), "at 5 GHz");
          c.check(set_rate(300'000) > 0, "positive shift at 0.3 GHz");
          check_consistent(c, c.vcpu(), "at 0.3 GHz");
        },
}};

const Case kMonotonic{{
    .slug = "time.record.one_vcpu.never_backwards",
    .rule = "System time read by the record never goes back on one vCPU, across updates of the record too.",
    .source = "public/xen.h, struct vcpu_time_info",
    .requirements = {"TIME-004"},
    .body =
        [](CaseContext& c) {
          Refresher refresher(c);
          uint64_t last = c.vcpu().time_ns();
          bool back = false;
          for (int i = 0; i < 60; ++i) {
            if (i % 10 == 5) refresher.refresh();
            const uint64_t now = c.vcpu().time_ns();
            back = back || now < last;
            last = now;
          }
          c.check(!back, "no reading is less than the one before");
          c.vcpu().spin(kWatchNs);
          c.check(c.vcpu().time_ns() >= last + kWatchNs, "and time passes");
        },
}};

const Case kAcross{{
    .slug = "time.record.tsc_stable.monotonic_across_vcpus",
    .rule = "With the TSC-stable flag readings of one vCPU after another never go back; without it they agree within "
            "the error of the clocks.",
    .source = "public/xen.h, XEN_PVCLOCK_TSC_STABLE_BIT",
    .requirements = {"TIME-005"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          bool stable = true;
          for (uint32_t vcpu = 0; vcpu < 2; ++vcpu) {
            Refresher(c, vcpu).refresh();
            const auto flags = stable_record(c.vcpu(vcpu), time_record_of(c.guest(), vcpu)).flags;
            stable = stable && (flags & XEN_PVCLOCK_TSC_STABLE_BIT) != 0;
          }
          const uint64_t slack = stable ? 0 : clock_error_ns(c);
          uint64_t last = 0;
          bool back = false;
          for (uint32_t i = 0; i < 40; ++i) {
            const uint64_t now = c.vcpu(i % 2).time_ns();
            back = back || now + slack < last;
            last = now;
          }
          c.check(!back, "readings of alternating vCPUs");
        },
}};

const Case kMigrated{{
    .slug = "time.record.moved_to_another_pcpu.fresh",
    .rule = "When a vCPU runs on another pCPU its record has been written for that one: time goes on, never back.",
    .source = "public/xen.h, struct vcpu_time_info",
    .method = "The toolstack moves the vCPU from pCPU to pCPU by its affinity.",
    .requirements = {"TIME-006"},
    .needs = {Capability::kDom0, Capability::kMultiVcpu},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Scratch map(c.dom0().vcpu(0));
          const Gva at = time_record_of(c.guest(), 0);
          const auto pcpu_of = [&] {
            auto request = DomctlOps::request(XEN_DOMCTL_getvcpuinfo, c.guest().id());
            return control.call(request).arg.u.getvcpuinfo.cpu;
          };
          uint32_t moves = 0;
          for (uint32_t pcpu = 0; pcpu < 3; ++pcpu) {
            const uint64_t before = c.vcpu().time_ns();
            const uint32_t from = pcpu_of();
            auto request = DomctlOps::request(XEN_DOMCTL_setvcpuaffinity, c.guest().id());
            request.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
            request.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
            set_handle(request.u.vcpuaffinity.cpumap_hard.bitmap, map.put(static_cast<uint8_t>(1u << pcpu)));
            c.require_eq(control.call(request).result, 0, "setvcpuaffinity");
            c.require(wait_until(c, [&] { return pcpu_of() == pcpu; }), "the vCPU moves");
            if (from != pcpu) ++moves;
            const uint64_t error = clock_error_ns(c);
            c.check(c.vcpu().time_ns() + error >= before, "time does not go back");
            check_consistent(c, c.vcpu(), "on pCPU " + std::to_string(pcpu));
            c.check_eq(c.vcpu().read<uint32_t>(at) & 1, 0u, "the version is even");
          }
          c.check(moves >= 2, "it really moved");
        },
}};

const Case kTscOffset{{
    .slug = "time.record.pvh_wrote_its_tsc.offset_included",
    .rule = "The record of an HVM guest is in terms of the TSC that the guest sees: after it has changed its TSC too.",
    .source = "public/xen.h, struct vcpu_time_info, tsc_timestamp",
    .requirements = {"TIME-007"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kMsrTsc = 0x10;
          constexpr uint64_t kFarOn = 1ull << 50;
          Refresher refresher(c);
          check_consistent(c, c.vcpu(), "before");
          const uint64_t before = c.vcpu().tsc();
          c.require(!c.vcpu().wrmsr(kMsrTsc, before + kFarOn).has_value(), "writing the TSC");
          refresher.refresh();
          const uint64_t after = c.vcpu().tsc();
          c.check(after >= before + kFarOn, "the TSC has jumped");
          c.check(after < before + 2 * kFarOn, "by what was written");
          c.check(stable_record(c.vcpu(), time_record_of(c.guest(), 0)).tsc_timestamp >= kFarOn / 2,
                  "so has the timestamp");
          check_consistent(c, c.vcpu(), "afterwards");
        },
}};

const Case kSecondary{{
    .slug = "time.area.registered.same_values",
    .rule = "A time area that the guest registers has the record of the vCPU with a version that is even when it is at "
            "rest.",
    .source = "public/vcpu.h, VCPUOP_register_vcpu_time_memory_area",
    .requirements = {"TIME-010"},
    .body =
        [](CaseContext& c) {
          Refresher refresher(c);
          refresher.refresh();
          const auto area = stable_record(c.vcpu(), refresher.area());
          const auto main = stable_record(c.vcpu(), time_record_of(c.guest(), 0));
          c.check(area.version != 0, "a version");
          c.check_eq(area.tsc_timestamp, main.tsc_timestamp, "tsc_timestamp");
          c.check_eq(area.system_time, main.system_time, "system_time");
          c.check_eq(area.tsc_to_system_mul, main.tsc_to_system_mul, "tsc_to_system_mul");
          c.check_eq(int{area.tsc_shift}, int{main.tsc_shift}, "tsc_shift");
          c.check_eq(area.flags, main.flags, "flags");
        },
}};

}  // namespace
}  // namespace assay
