#include "sim/scenario/scheduler_control.hpp"

#include <array>
#include <cstring>

#include "sim/abi/xen_services.hpp"
#include "sim/scenario/refusal.hpp"
#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::scenario {
namespace {

using toolstack::make_domctl;
using toolstack::make_sysctl;
using toolstack::must;
using toolstack::set_handle;
using CpuMap = std::array<uint8_t, ASSAY_PCPUS_MAX / 8>;

CpuMap map_of(const PcpuSet& pcpus) {
  CpuMap map{};
  for (uint32_t pcpu = pcpus.at_or_above(0); pcpu != PcpuSet::kNone; pcpu = pcpus.at_or_above(pcpu + 1)) {
    map.at(pcpu / 8) = static_cast<uint8_t>(map.at(pcpu / 8) | 1u << pcpu % 8);
    if (pcpu + 1 == ASSAY_PCPUS_MAX) break;
  }
  return map;
}

xen_sysctl make_pool_operation(uint32_t operation, uint32_t pool) {
  xen_sysctl op = make_sysctl(XEN_SYSCTL_cpupool_op);
  op.u.cpupool_op.op = operation;
  op.u.cpupool_op.cpupool_id = pool;
  return op;
}

}  // namespace

static_assert(kSlotsMax == std::size(xen_sysctl_arinc653_schedule{}.sched_entries));

uint32_t abi_scheduler(SchedulerKind kind) {
  constexpr std::array<uint32_t, 6> kIds{
      0, XEN_SCHEDULER_CREDIT, XEN_SCHEDULER_CREDIT2, XEN_SCHEDULER_RTDS, XEN_SCHEDULER_ARINC653, XEN_SCHEDULER_NULL};
  return kIds.at(static_cast<size_t>(kind));
}

bool knows_shares(uint32_t scheduler) {
  return scheduler == XEN_SCHEDULER_CREDIT || scheduler == XEN_SCHEDULER_CREDIT2;
}

void SchedulerControl::must_domctl(xen_domctl& op, const char* name) const {
  const uint16_t domain = op.domain;
  must(dom0_.domctl(op), std::string(name) + " of domain " + std::to_string(domain));
}

uint32_t SchedulerControl::scheduler_of_pool(uint32_t pool) const {
  xen_sysctl op = make_pool_operation(XEN_SYSCTL_CPUPOOL_OP_INFO, pool);
  op.u.cpupool_op.cpumap.nr_bits = ASSAY_PCPUS_MAX;
  set_handle(op.u.cpupool_op.cpumap.bitmap, dom0_.buffer());
  must(dom0_.sysctl(op), "cpupool_op info");
  return op.u.cpupool_op.sched_id;
}

uint32_t SchedulerControl::create_pool(uint32_t scheduler) const {
  xen_sysctl op = make_pool_operation(XEN_SYSCTL_CPUPOOL_OP_CREATE, XEN_SYSCTL_CPUPOOL_PAR_ANY);
  op.u.cpupool_op.sched_id = scheduler;
  const std::string call = "cpupool_op create with scheduler " + std::to_string(scheduler);
  const int64_t result = dom0_.sysctl(op);
  if (result == -XEN_ENOENT) throw Lacking(call + ": the hypervisor has no such scheduler (ENOENT)");
  must(result, call);
  return op.u.cpupool_op.cpupool_id;
}

void SchedulerControl::pool_operation(uint32_t operation, uint32_t pool, uint32_t pcpu, DomId domain,
                                      const char* name) const {
  constexpr int kTriesMax = 20'000;  // a second or so of a busy machine's time
  for (int tries = 0; tries < kTriesMax; ++tries) {
    xen_sysctl op = make_pool_operation(operation, pool);
    op.u.cpupool_op.cpu = pcpu;
    op.u.cpupool_op.domid = domain.raw();
    const int64_t result = dom0_.sysctl(op);
    // Something there is on its way out, or another pCPU is: asked again, it is gone.
    if (result == -XEN_EBUSY || result == -XEN_EAGAIN || result == -XEN_EADDRNOTAVAIL) continue;
    must(result, std::string("cpupool_op ") + name);
    return;
  }
  throw ToolstackError(std::string("cpupool_op ") + name + " is refused for as long as anybody asks");
}

void SchedulerControl::add_pcpu(uint32_t pool, uint32_t pcpu) const {
  pool_operation(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool, pcpu, DomId{0}, "addcpu");
}

void SchedulerControl::remove_pcpu(uint32_t pool, uint32_t pcpu) const {
  pool_operation(XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool, pcpu, DomId{0}, "rmcpu");
}

void SchedulerControl::try_add_pcpu(uint32_t pool, uint32_t pcpu) const {
  xen_sysctl op = make_pool_operation(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool);
  op.u.cpupool_op.cpu = pcpu;
  if (dom0_.sysctl(op) == 0) {
    throw ToolstackError("cpupool_op addcpu gives a pool a part of what its granularity schedules together");
  }
}

void SchedulerControl::ask_for_pcpu(uint32_t pool, uint32_t pcpu) const {
  xen_sysctl op = make_pool_operation(XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool);
  op.u.cpupool_op.cpu = pcpu;
  static_cast<void>(dom0_.sysctl(op));
}

int64_t SchedulerControl::hotplug(uint32_t operation, uint32_t pcpu) const {
  constexpr int kTriesMax = 100;
  int64_t result = -XEN_EBUSY;
  // It may be on its way out of a pool.
  for (int tries = 0; tries < kTriesMax && result == -XEN_EBUSY; ++tries) {
    xen_sysctl op = make_sysctl(XEN_SYSCTL_cpu_hotplug);
    op.u.cpu_hotplug.cpu = pcpu;
    op.u.cpu_hotplug.op = operation;
    result = dom0_.sysctl(op);
  }
  return result;
}

void SchedulerControl::take_offline(uint32_t pcpu) const {
  must(hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, pcpu), "cpu_hotplug offline");
}

void SchedulerControl::try_offline(uint32_t pcpu) const {
  if (hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, pcpu) == 0) {
    throw ToolstackError("cpu_hotplug takes a pCPU away that a pool other than pool 0 has");
  }
}

void SchedulerControl::bring_online(uint32_t pcpu) const {
  must(hotplug(XEN_SYSCTL_CPU_HOTPLUG_ONLINE, pcpu), "cpu_hotplug online");
}

void SchedulerControl::suspend() const {
  constexpr uint32_t kSuspendToMemory = 3;
  xen_platform_op op;
  std::memset(&op, 0, sizeof op);
  op.cmd = XENPF_enter_acpi_sleep;
  op.interface_version = XENPF_INTERFACE_VERSION;
  op.u.enter_acpi_sleep.sleep_state = kSuspendToMemory;
  dom0_.vcpu().write(dom0_.argument(), op);
  must(dom0_.call(__HYPERVISOR_platform_op, {dom0_.argument().raw()}), "enter_acpi_sleep");
}

void SchedulerControl::destroy_pool(uint32_t pool) const {
  pool_operation(XEN_SYSCTL_CPUPOOL_OP_DESTROY, pool, 0, DomId{0}, "destroy");
}

void SchedulerControl::move_domain(DomId domain, uint32_t pool) const {
  pool_operation(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, pool, 0, domain, "movedomain");
}

void SchedulerControl::set_affinity(DomId domain, uint32_t vcpu, const std::optional<PcpuSet>& hard,
                                    const std::optional<PcpuSet>& soft) const {
  std::array<CpuMap, 2> maps{};
  if (hard) maps[0] = map_of(*hard);
  if (soft) maps[1] = map_of(*soft);
  dom0_.write_buffer(std::as_bytes(std::span(maps)));
  xen_domctl op = make_domctl(XEN_DOMCTL_setvcpuaffinity, domain);
  op.u.vcpuaffinity.vcpu = vcpu;
  op.u.vcpuaffinity.flags = (hard ? XEN_VCPUAFFINITY_HARD : 0u) | (soft ? XEN_VCPUAFFINITY_SOFT : 0u);
  op.u.vcpuaffinity.cpumap_hard.nr_bits = op.u.vcpuaffinity.cpumap_soft.nr_bits = ASSAY_PCPUS_MAX;
  set_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, dom0_.buffer());
  set_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, dom0_.buffer() + sizeof(CpuMap));
  must_domctl(op, "setvcpuaffinity");
}

void SchedulerControl::pause(DomId domain) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_pausedomain, domain);
  must_domctl(op, "pausedomain");
}

void SchedulerControl::unpause(DomId domain) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_unpausedomain, domain);
  must_domctl(op, "unpausedomain");
}

void SchedulerControl::set_share(DomId domain, uint32_t scheduler, std::optional<uint32_t> weight,
                                 std::optional<uint32_t> cap) const {
  if (!knows_shares(scheduler)) throw Lacking("the scheduler of the pool knows neither weight nor cap");
  xen_domctl op = make_domctl(XEN_DOMCTL_scheduler_op, domain);
  op.u.scheduler_op.sched_id = scheduler;
  op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
  must_domctl(op, "scheduler_op getinfo");
  op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
  // credit's parameters and credit2's have one form.
  if (weight) op.u.scheduler_op.u.credit.weight = static_cast<uint16_t>(*weight);
  if (cap) op.u.scheduler_op.u.credit.cap = static_cast<uint16_t>(*cap);
  must_domctl(op, "scheduler_op putinfo");
}

void SchedulerControl::set_budget(DomId domain, uint32_t scheduler, const DomainSpec& spec) const {
  if (scheduler != XEN_SCHEDULER_RTDS) throw Lacking("the scheduler of the pool knows no budget");
  xen_domctl op = make_domctl(XEN_DOMCTL_scheduler_op, domain);
  op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
  op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
  std::vector<xen_domctl_schedparam_vcpu_t> vcpus(spec.vcpus.size());
  for (uint32_t vcpu = 0; vcpu < vcpus.size(); ++vcpu) {
    vcpus[vcpu].vcpuid = vcpu;
    vcpus[vcpu].u.rtds.budget = static_cast<uint32_t>(*spec.budget_ns / kNsPerUs);
    vcpus[vcpu].u.rtds.period = static_cast<uint32_t>(*spec.period_ns / kNsPerUs);
    vcpus[vcpu].u.rtds.flags = spec.extratime ? XEN_DOMCTL_SCHEDRT_extra : 0;
  }
  dom0_.write_buffer(std::as_bytes(std::span(vcpus)));
  op.u.scheduler_op.u.v.nr_vcpus = static_cast<uint32_t>(vcpus.size());
  set_handle(op.u.scheduler_op.u.v.vcpus, dom0_.buffer());
  must_domctl(op, "scheduler_op putvcpuinfo");
}

void SchedulerControl::name_domain(DomId domain, size_t index) const {
  xen_domctl op = make_domctl(XEN_DOMCTL_setdomainhandle, domain);
  std::memcpy(op.u.setdomainhandle.handle, &index, sizeof index);
  must_domctl(op, "setdomainhandle");
}

void SchedulerControl::set_slots(uint32_t pool, const Scheduler& parameters) const {
  xen_sysctl_arinc653_schedule schedule;
  std::memset(&schedule, 0, sizeof schedule);
  schedule.major_frame = parameters.frame_ns;
  if (parameters.slots.size() > kSlotsMax) throw HarnessFault("a scenario with too many slots was read");
  schedule.num_sched_entries = static_cast<uint8_t>(parameters.slots.size());
  for (size_t i = 0; i < parameters.slots.size(); ++i) {
    const size_t domain = parameters.slots[i].domain + 1;
    std::memcpy(schedule.sched_entries[i].dom_handle, &domain, sizeof domain);
    schedule.sched_entries[i].vcpu_id = parameters.slots[i].vcpu;
    schedule.sched_entries[i].runtime = parameters.slots[i].runtime_ns;
  }
  dom0_.write_buffer(std::as_bytes(std::span(&schedule, 1)));
  xen_sysctl op = make_sysctl(XEN_SYSCTL_scheduler_op);
  op.u.scheduler_op = {
      .cpupool_id = pool, .sched_id = XEN_SCHEDULER_ARINC653, .cmd = XEN_SYSCTL_SCHEDOP_putinfo, .u = {}};
  set_handle(op.u.scheduler_op.u.sched_arinc653.schedule, dom0_.buffer());
  must(dom0_.sysctl(op), "scheduler_op putinfo of arinc653");
}

void SchedulerControl::set_parameters(uint32_t pool, const Scheduler& parameters) const {
  if (!parameters.ratelimit_ns && !parameters.timeslice_ns) return;
  xen_sysctl op = make_sysctl(XEN_SYSCTL_scheduler_op);
  xen_sysctl_scheduler_op& scheduler = op.u.scheduler_op;
  scheduler.cpupool_id = pool;
  scheduler.sched_id = abi_scheduler(parameters.kind);
  scheduler.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
  must(dom0_.sysctl(op), "scheduler_op getinfo");
  const auto ratelimit_us = static_cast<uint32_t>(parameters.ratelimit_ns.value_or(0) / kNsPerUs);
  if (parameters.kind == SchedulerKind::kCredit2) {
    scheduler.u.sched_credit2.ratelimit_us = ratelimit_us;
  } else {
    if (parameters.ratelimit_ns) scheduler.u.sched_credit.ratelimit_us = ratelimit_us;
    if (parameters.timeslice_ns) {
      scheduler.u.sched_credit.tslice_ms = static_cast<uint32_t>(*parameters.timeslice_ns / kNsPerMs);
    }
  }
  scheduler.cmd = XEN_SYSCTL_SCHEDOP_putinfo;
  must(dom0_.sysctl(op), "scheduler_op putinfo");
}

}  // namespace assay::scenario
