/// Plays the part of a machine for a watcher, and a small trace that has something of everything.
#pragma once

#include <map>

#include "sim/abi/xen.hpp"
#include "sim/engine/machine_watcher.hpp"
#include "sim/trace/trace.hpp"

namespace assay::trace {

class Scene {
 public:
  explicit Scene(MachineWatcher& watcher) : watcher_(watcher) {}

  assay_regs& regs(VcpuName vcpu) { return regs_[vcpu]; }
  void set_mode(VcpuName vcpu, assay_vcpu_mode mode, uint8_t code_bits = 64) {
    modes_[vcpu] = mode;
    regs(vcpu).code_bits = code_bits;
  }

  void enters(uint64_t now_ns, uint32_t pcpu, VcpuName vcpu, int inject = -1) {
    assay_run run = run_of(vcpu);
    run.inject = inject >= 0 ? 1 : 0;
    run.inject_vector = inject >= 0 ? static_cast<uint32_t>(inject) : 0;
    watcher_.on_entry(now_ns, pcpu, run);
  }
  void idles(uint64_t now_ns, uint32_t pcpu) { watcher_.on_entry(now_ns, pcpu, assay_run{}); }
  void leaves(uint64_t now_ns, uint32_t pcpu, VcpuName vcpu, assay_exit exit) {
    watcher_.on_exit(now_ns, pcpu, run_of(vcpu), exit);
  }
  void calls(uint64_t now_ns, uint32_t pcpu, VcpuName vcpu, uint64_t number, uint64_t a = 0, uint64_t b = 0) {
    assay_regs& r = regs(vcpu);
    r.rax = number, r.rdi = a, r.rsi = b;
    assay_exit exit{};
    exit.reason = ASSAY_EXIT_HYPERCALL;
    leaves(now_ns, pcpu, vcpu, exit);
  }
  void answers(uint64_t now_ns, uint32_t pcpu, VcpuName vcpu, int64_t result) {
    regs(vcpu).rax = static_cast<uint64_t>(result);
    enters(now_ns, pcpu, vcpu);
  }
  void leaves(uint64_t now_ns, uint32_t pcpu, VcpuName vcpu, assay_exit_reason reason) {
    assay_exit exit{};
    exit.reason = reason;
    leaves(now_ns, pcpu, vcpu, exit);
  }
  void core_says(uint64_t now_ns, uint32_t pcpu, uint32_t id, std::span<const uint64_t> words) {
    watcher_.on_core_event(now_ns, pcpu, id, words);
  }

  /// d1v0 (PV64) on pCPU 2 calls, blocks, comes back on pCPU 3 with an upcall; d2v1 (HVM) on pCPU 2 does all the rest.
  void play();

 private:
  assay_run run_of(VcpuName vcpu) {
    assay_run run{};
    run.mode = modes_.contains(vcpu) ? modes_[vcpu] : uint32_t{ASSAY_MODE_PV64};
    run.domid = vcpu.domid;
    run.vcpu_id = vcpu.vcpu;
    run.regs = &regs_[vcpu];
    return run;
  }

  MachineWatcher& watcher_;
  std::map<VcpuName, assay_regs> regs_;
  std::map<VcpuName, uint32_t> modes_;
};

/// What a recorder keeps of Scene::play.
Trace small_trace();

}  // namespace assay::trace
