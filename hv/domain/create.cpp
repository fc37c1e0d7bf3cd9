/// How a domain comes to exist.
#include <algorithm>
#include <climits>

#include "hv/base/arena.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/release.hpp"
#include "hv/sched/sched.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

/// Everything of a new domain that can be missing for want of memory.
Status allocate_parts(Domain& domain, const DomainConfig& config) {
  if (const Status status = memory_create(domain.memory); !status.ok()) return status;
  domain.grants = grant_table_create(domain.memory, config.grants);
  domain.events = arena_new<EventChannels>();
  domain.vcpus = arena_array<Vcpu*>(domain.max_vcpus);
  if (domain.grants == nullptr || domain.events == nullptr || domain.vcpus == nullptr) return fail(XEN_ENOMEM);
  CpuPool& pool = config.pool != nullptr ? *config.pool : first_cpupool();
  if (const Status status = sched_create_domain(domain.sched, pool); !status.ok()) return status;
  domain.events->id = domain.id;
  domain.events->sink = &domain;
  domain.events->shared = domain.shared_info();
  return evtchn_init(*domain.events, std::min<uint32_t>(config.max_evtchn_port, INT_MAX), domain.max_vcpus);
}

void no_memory_on_demand(DomainMemory& memory) {
  crash_domain(*domain_by_id(memory.id), "no memory for an entry on demand (%lu pages, %lu entries)", memory.tot_pages,
               memory.on_demand_entries);
}

void take_config(Domain& domain, const DomainConfig& config) {
  domain.id = config.id;
  domain.kind = config.kind;
  domain.privileged = config.privileged;
  domain.ssid = config.ssid;
  domain.flags = config.flags;
  domain.emulation_flags = config.emulation_flags;
  domain.misc_flags = config.misc_flags;
  domain.handle = config.handle;
  domain.max_vcpus = config.max_vcpus;
  domain.cpu_policy = machine_cpu_policy();
  if (config.kind == GuestKind::kHvm) domain.hvm_params[HVM_PARAM_TRIPLE_FAULT_REASON] = SHUTDOWN_reboot;
  domain.sched.id = config.id;
  domain.sched.handle = &domain.handle;
  domain.memory.id = config.id;
  domain.memory.kind = config.kind;
  domain.memory.privileged = config.privileged;
  domain.memory.out_of_memory = no_memory_on_demand;
}

}  // namespace

Result<Domain*> create_domain(const DomainConfig& config) {
  HV_ASSERT(config.max_vcpus >= 1 && domain_by_id(config.id) == nullptr);
  Domain* domain = arena_new<Domain>();
  if (domain == nullptr) return fail(XEN_ENOMEM);
  take_config(*domain, config);
  if (const Status status = allocate_parts(*domain, config); !status.ok()) {
    free_vcpus_and_memory(*domain);
    free_domain(*domain);
    return status;
  }
  domain->controller_pauses = 1;
  publish_wallclock(*domain->shared_info(), domain->time_offset_s);
  list_domain(*domain);
  return domain;
}

Status allocate_vcpus(Domain& domain) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) continue;
    domain.vcpus[i] = vcpu_create(domain, domain.memory, domain.shared_info(), i);
    if (domain.vcpus[i] == nullptr) return fail(XEN_ENOMEM);
    if (const Status status = sched_create_vcpu(*domain.vcpus[i], domain.sched, domain.vcpus); !status.ok()) {
      vcpu_destroy(*domain.vcpus[i]);
      domain.vcpus[i] = nullptr;
      return status;
    }
    domain.vcpus[i]->tsc_khz = domain.tsc_khz;
    if (domain.controller_pauses + domain.internal_pauses != 0) vcpu_pause(*domain.vcpus[i], kPauseDomain);
    if (domain.shut_down) vcpu_pause(*domain.vcpus[i], kPauseShutdown);
  }
  return kOk;
}

}  // namespace hv
