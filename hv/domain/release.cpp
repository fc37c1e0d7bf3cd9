#include "hv/domain/release.hpp"

#include "hv/base/arena.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/device_memory.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

void free_vcpu(Vcpu& vcpu) {
  drop_vcpu_frames(vcpu);
  forget_hvm_record(vcpu);
  // Its pCPU may still be on the way out of the core.
  while (vcpu.running) wait_for_others(&vcpu.running);
  vcpu_destroy(vcpu);
}

}  // namespace

void free_vcpus_and_memory(Domain& domain) {
  for (uint32_t i = 0; domain.vcpus != nullptr && i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] == nullptr) continue;
    free_vcpu(*domain.vcpus[i]);
    domain.vcpus[i] = nullptr;
  }
  if (domain.events != nullptr) domain.events->shared = nullptr;
  if (domain.memory.shared_info != kInvalidMfn) memory_destroy(domain.memory);
}

void free_domain(Domain& domain) {
  if (domain.grants != nullptr) grant_table_destroy(domain.grants);
  if (domain.events != nullptr) {
    evtchn_free_memory(*domain.events);
    arena_delete(domain.events);
  }
  forget_device_ranges(domain);
  sched_destroy_domain(domain.sched);
  arena_array_free(domain.vcpus, domain.max_vcpus);
  arena_delete(&domain);
}

}  // namespace hv
