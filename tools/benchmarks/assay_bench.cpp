/// What one operation through the Target interface costs, in process and on the real Xen. tools/bench runs this.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/target/xen/target_xen.hpp"

namespace assay {
namespace {

std::unique_ptr<Target> hv_target() {
  HostOptions options;
  options.core = artifact("hv.so");
  return make_host_target(options);
}

std::unique_ptr<Target> xen_target() {
  XenOptions options;
  const char* xen = std::getenv("ASSAY_XEN");
  options.xen = xen == nullptr ? "" : xen;
  options.dom0_image = artifact("agent-dom0.elf");
  options.guest_image = artifact("agent.elf");
  return make_xen_target(options);
}

void xen_version(benchmark::State& state, Target& target) {
  Vcpu& vcpu = target.dom0().vcpu(0);
  for (auto _ : state) {
    if (vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}) >> 16 != 4) state.SkipWithError("not a Xen 4");
  }
  state.SetItemsProcessed(state.iterations());
}

void HvXenVersion(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  xen_version(state, *target);
}

void XenXenVersion(benchmark::State& state) {
  const auto target = xen_target();
  target->begin_case(1);
  xen_version(state, *target);
}

/// Two ports of one PV64 guest, bound to each other: a send on one makes the other pending.
struct Loopback {
  explicit Loopback(Vcpu& vcpu) : vcpu(vcpu), argument(vcpu.domain().alloc_pages(1)) {
    vcpu.write(argument, evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, 0});
    call(EVTCHNOP_alloc_unbound);
    receiver = vcpu.read<evtchn_alloc_unbound_t>(argument).port;
    vcpu.write(argument, evtchn_bind_interdomain_t{DOMID_SELF, receiver, 0});
    call(EVTCHNOP_bind_interdomain);
    vcpu.write(argument, evtchn_send_t{vcpu.read<evtchn_bind_interdomain_t>(argument).local_port});
    const Gva shared = vcpu.domain().shared_info();
    pending = shared + offsetof(shared_info_t, evtchn_pending) + receiver / 64 * sizeof(uint64_t);
    selector = vcpu.domain().vcpu_info(0) + offsetof(vcpu_info_t, evtchn_pending_sel);
    clear();
    vcpu.set_upcalls(true);
  }
  int64_t call(uint64_t operation) {
    return vcpu.hypercall(__HYPERVISOR_event_channel_op, {operation, argument.raw()});
  }
  void clear() {
    vcpu.atomic(ASSAY_ATOMIC_XCHG, selector, 8, 0);
    vcpu.atomic(ASSAY_ATOMIC_XCHG, pending, 8, 0);
  }

  Vcpu& vcpu;
  Gva argument;
  uint32_t receiver = 0;
  Gva pending{};
  Gva selector{};
};

/// Send, upcall taken by the guest, selector and pending bit cleared by the guest: three operations and one upcall.
void HvEventRoundTrip(benchmark::State& state) {
  const auto target = hv_target();
  target->begin_case(1);
  Loopback loop(target->create_guest({}).vcpu(0));
  const uint64_t before = loop.vcpu.upcalls().count;
  for (auto _ : state) {
    if (loop.call(EVTCHNOP_send) != 0) state.SkipWithError("send failed");
    loop.clear();
  }
  if (loop.vcpu.upcalls().count - before != static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("a send without its upcall");
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(HvXenVersion);
BENCHMARK(HvEventRoundTrip);
BENCHMARK(XenXenVersion);

}  // namespace
}  // namespace assay

BENCHMARK_MAIN();
