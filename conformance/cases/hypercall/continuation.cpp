/// Long hypercalls that let events through: the guest sees only the final result.
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/instructions.hpp"
#include "conformance/guest/multicall.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

/// Where the instruction is in an entry of the hypercall page: behind push, push, mov (PV64) or mov (PVH).
uint64_t instruction_of(CaseContext& c, Instructions& cpu, uint32_t number) {
  return cpu.page_entry(number) + (c.pv() ? 8 : 5);
}

const Case kPreempted{{
    .slug = "hypercall.preempted.upcall_then_resumed",
    .rule =
        "A hypercall that is preempted lets a pending upcall through with rip at its instruction, and is then executed "
        "again transparently: the caller sees one final result.",
    .source = "xen/arch/x86/hypercall.c:48 (hypercall_create_continuation)",
    .method =
        "The first entry of a multicall raises an event of the caller; the upcall's frame says what it interrupted.",
    .requirements = {"HCALL-010", "HCALL-011"},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          EventChannels events(c.vcpu());
          Scratch memory(c.vcpu());
          const auto port = events.bind_ipi(0);
          c.require_eq(port.result, 0, "a port");
          constexpr uint32_t kCalls = 8;
          Multicall batch(c.vcpu());
          batch.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, memory.put(evtchn_send_t{port.port.raw()}).raw()});
          for (uint32_t i = 1; i < kCalls; ++i) batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          const uint64_t before = c.vcpu().upcalls().count;
          c.vcpu().set_upcalls(true);
          c.check_eq(batch.call(), 0, "multicall");
          const UpcallRecord record = c.vcpu().upcalls();
          c.vcpu().set_upcalls(false);
          c.check_eq(record.count, before + 1, "one upcall");
          c.check_eq(record.rip, instruction_of(c, cpu, __HYPERVISOR_multicall),
                     "it interrupted the hypercall instruction");
          c.check_eq(batch.result(0), 0, "the entry before");
          for (uint32_t i = 1; i < kCalls; ++i) c.check_eq(batch.result(i), 4096, "entry " + std::to_string(i));
        },
}};

const Case kTimerWhole{{
    .slug = "set_timer_op.argument.one_64bit_value",
    .rule = "The first argument of set_timer_op is the whole deadline in nanoseconds; there is no second one.",
    .source = "public/xen.h, HYPERVISOR_set_timer_op",
    .method =
        "A deadline whose lower half lies in the past does not fire; one that has garbage in the second register does.",
    .requirements = {"HCALL-013"},
    .body =
        [](CaseContext& c) {
          EventChannels events(c.vcpu());
          // A PV64 vCPU may start with a periodic timer, which raises the same VIRQ.
          c.require_eq(VcpuOps(c.vcpu()).stop_periodic_timer(0), 0, "no periodic timer");
          const auto port = events.bind_virq(VIRQ_TIMER, 0);
          c.require_eq(port.result, 0, "VIRQ_TIMER");
          const uint64_t before = c.vcpu().upcalls().count;
          c.vcpu().set_upcalls(true);
          const uint64_t now = c.vcpu().time_ns();
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_timer_op, {now + (8ull << 32), 0}), 0,
                     "eight times 2^32 ns away");
          c.check(!c.vcpu().wait_upcalls(before + 1, kWatchNs), "it does not fire");
          const uint64_t soon = c.vcpu().time_ns() + 1'000'000;
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_timer_op, {soon, 0x7fff'ffff}), 0,
                     "soon, and garbage behind it");
          c.check(c.vcpu().wait_upcalls(before + 1, kLongNs), "it fires");
        },
}};

}  // namespace
}  // namespace assay
