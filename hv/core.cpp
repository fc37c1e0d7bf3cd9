/// The core behind the port: boot, and the way of a guest through `enter`.
#include "hv/core.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "hv/abi/identity.hpp"
#include "hv/base/arena.hpp"
#include "hv/base/command_line.hpp"
#include "hv/base/error.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/boot_options.hpp"
#include "hv/domain/audit.hpp"
#include "hv/domain/dom0_builder.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/nodes.hpp"
#include "hv/mm/audit.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/translations.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

/// In the data segment: which the host saves and restores with the arena.
char command_line_text[sizeof(xen_commandline_t)];

uint32_t callback_vector(const Vcpu& vcpu) {
  return vcpu.domain->callback_vector;
}

void poll_ended(Vcpu& vcpu) {
  HV_ASSERT(vcpu.domain->pollers > 0);
  --vcpu.domain->pollers;
}

int boot(const assay_host* host, const char* command_line) {
  set_host(host);
  std::snprintf(command_line_text, sizeof command_line_text, "%s", command_line == nullptr ? "" : command_line);
  arena_init();
  log("Assay %s %s, ABI %u.%u", kName.data(), kVersion.data(), kVersionMajor, kVersionMinor);
  log("Command line: %s", command_line_text);
  if (!plant_fault(command_line_text)) return -XEN_EINVAL;
  timers_init();
  mm_init();
  domains_init();
  if (!nodes_init(command_line_option(command_line_text, "numa")).ok()) return -XEN_EINVAL;
  const SchedOptions sched{command_line_option(command_line_text, "sched"),
                           command_line_option(command_line_text, "sched-gran")};
  if (!sched_init(sched).ok()) return -XEN_EINVAL;
  set_flush_hook(sched_complete_flushes);
  set_vcpu_hooks({sched_wake, sched_sleep, sched_forget, send_vcpu_virq, poll_ended, callback_vector});
  return 0;
}

int build_first_domain(const assay_image* image) {
  return static_cast<int>(build_dom0(*image).raw());
}

void run_idle(assay_run& next) {
  next = {};
  next.until_ns = ASSAY_NEVER;
}

void run_guest(const Pcpu& pcpu, Vcpu& vcpu, assay_run& next) {
  const bool hvm = vcpu.pv == nullptr;
  next.mode = hvm ? ASSAY_MODE_HVM : ASSAY_MODE_PV64;
  next.domid = vcpu.memory->id.raw();
  next.reserved16 = 0;
  next.vcpu_id = vcpu.id;
  next.inject = next.inject_vector = next.window = 0;
  next.until_ns = pcpu.until;
  next.stage2_root = hvm ? vcpu.memory->stage2_root.raw() : 0;
  next.regs = &vcpu.regs;
  next.tsc_offset = vcpu.tsc_offset;
  next.tsc_khz = vcpu.tsc_khz;
  next.reserved32 = 0;
  next.system = hvm ? &vcpu.hvm.system : nullptr;
}

void enter(uint32_t pcpu_number, const assay_exit* left, assay_run* next) {
  Pcpu& pcpu = sched_pcpu(pcpu_number);
  Vcpu* vcpu = pcpu.current;
  if (vcpu != nullptr) {
    vcpu->in_core = true;
    handle_exit(*vcpu, *left);
    reap_dead_domains();
  }
  while (true) {
    sched_complete_flushes();
    timers_run(pcpu_number);
    vcpu = pcpu.current;
    if (vcpu == nullptr || pcpu.reschedule || !vcpu_runnable(*vcpu) || now() >= pcpu.until) vcpu = sched_switch(pcpu);
    if (vcpu == nullptr) return run_idle(*next);
    run_guest(pcpu, *vcpu, *next);
    deliver(*vcpu, *next);
    // From the look at what is pending to the return there is no scheduling point: nothing is missed.
    if (!pcpu.reschedule && vcpu_runnable(*vcpu)) break;
  }
  // Last of all: whoever flushes from now on will signal this pCPU.
  next->tlb_version = pcpu.tlb_version = vcpu_tlb_version(*vcpu);
  vcpu->in_core = false;
}

/// Collects violations as lines of text, as many as fit.
struct AuditText {
  char* text;
  uint64_t bytes;
  uint64_t used;

  static void add(void* context, const char* line) {
    auto& self = *static_cast<AuditText*>(context);
    const uint64_t length = std::strlen(line);
    if (self.bytes < 2 || length > self.bytes - 2 || self.used > self.bytes - 2 - length) return;
    std::memcpy(self.text + self.used, line, length);
    self.used += length;
    self.text[self.used++] = '\n';
    self.text[self.used] = '\0';
  }
};

uint32_t audit(char* text, uint64_t bytes) {
  AuditText out{text, bytes, 0};
  if (bytes > 0) text[0] = '\0';
  uint32_t violations = frames_audit(AuditText::add, &out);
  violations += domains_audit(AuditText::add, &out);
  for (const Domain* domain = domain_at_or_above(DomId{0}); domain != nullptr; domain = domain->next) {
    violations += memory_audit(domain->memory, AuditText::add, &out);
  }
  violations += sched_audit(AuditText::add, &out);
  return violations;
}

}  // namespace

const char* boot_command_line() {
  return command_line_text;
}

}  // namespace hv

extern "C" __attribute__((visibility("default"))) const assay_core assay_core = {
    .major = ASSAY_PORT_MAJOR,
    .minor = ASSAY_PORT_MINOR,
    .name = hv::kName.data(),
    .version = hv::kVersion.data(),
    .boot = hv::boot,
    .build_first_domain = hv::build_first_domain,
    .enter = hv::enter,
    .audit = hv::audit,
};
