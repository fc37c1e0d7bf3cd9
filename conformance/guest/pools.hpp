/// CPU pools, as dom0 makes and changes them.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {

/// cpupool_op by dom0.
class Pools {
 public:
  explicit Pools(CaseContext& c) : c_(c), control_(c.dom0().vcpu(0)), map_(c.dom0().vcpu(0)) {}

  struct Info {
    int64_t result;
    uint32_t id, scheduler, domains;
    uint64_t pcpus;
  };
  Info info(uint32_t pool) { return ask(XEN_SYSCTL_CPUPOOL_OP_INFO, pool); }
  Info free_pcpus() { return ask(XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0); }
  Called<xen_sysctl_t> create(uint32_t pool, uint32_t scheduler) {
    xen_sysctl_t request = make(XEN_SYSCTL_CPUPOOL_OP_CREATE, pool);
    request.u.cpupool_op.sched_id = scheduler;
    return control_.call(request);
  }
  int64_t destroy(uint32_t pool) { return control_.call(make(XEN_SYSCTL_CPUPOOL_OP_DESTROY, pool)).result; }
  int64_t add(uint32_t pool, uint32_t pcpu) { return pcpu_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool, pcpu); }
  /// Tries again while the pCPU is busy in the hypervisor, as the header says.
  int64_t remove(uint32_t pool, uint32_t pcpu) {
    for (int tries = 0; tries < 100; ++tries) {
      const int64_t result = pcpu_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool, pcpu);
      if (result != -XEN_EAGAIN) return result;
      c_.target().pass_time(1'000'000);
    }
    return -XEN_EAGAIN;
  }
  int64_t move(uint32_t pool, DomId dom) {
    xen_sysctl_t request = make(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, pool);
    request.u.cpupool_op.domid = dom.raw();
    return control_.call(request).result;
  }
  int64_t raw(uint32_t op) { return control_.call(make(op, 0)).result; }

 private:
  static xen_sysctl_t make(uint32_t op, uint32_t pool) {
    xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_cpupool_op);
    request.u.cpupool_op.op = op;
    request.u.cpupool_op.cpupool_id = pool;
    return request;
  }
  int64_t pcpu_op(uint32_t op, uint32_t pool, uint32_t pcpu) {
    xen_sysctl_t request = make(op, pool);
    request.u.cpupool_op.cpu = pcpu;
    return control_.call(request).result;
  }
  Info ask(uint32_t op, uint32_t pool) {
    xen_sysctl_t request = make(op, pool);
    request.u.cpupool_op.cpumap.nr_bits = 64;
    set_handle(request.u.cpupool_op.cpumap.bitmap, map_.put(uint64_t{0}));
    const auto called = control_.call(request);
    const auto& answer = called.arg.u.cpupool_op;
    return {called.result, answer.cpupool_id, answer.sched_id, answer.n_dom, map_.get<uint64_t>()};
  }
  CaseContext& c_;
  SysctlOps control_;
  Scratch map_;
};

[[nodiscard]] inline uint32_t last_pcpu(CaseContext& c) {
  SysctlOps machine(c.dom0().vcpu(0));
  return machine.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.nr_cpus - 1;
}

/// A pool of the last pCPU, which pool 0 gives up for as long as this lives. Its scheduler is that of pool 0
/// when none is named.
class PoolOfOne {
 public:
  PoolOfOne(CaseContext& c, Pools& pools) : PoolOfOne(c, pools, pools.info(0).scheduler) {}
  PoolOfOne(CaseContext& c, Pools& pools, uint32_t scheduler) : c_(c), pools_(pools), pcpu_(last_pcpu(c)) {
    const auto created = pools.create(XEN_SYSCTL_CPUPOOL_PAR_ANY, scheduler);
    c.require_eq(created.result, 0, "creating a pool");
    id_ = created.arg.u.cpupool_op.cpupool_id;
    c.check_eq(pools.remove(0, pcpu_), 0, "taking a pCPU from pool 0");
    c.check_eq(pools.add(id_, pcpu_), 0, "adding it to the pool");
  }
  ~PoolOfOne() {
    c_.check_eq(pools_.remove(id_, pcpu_), 0, "taking the pCPU from the pool");
    c_.check_eq(pools_.destroy(id_), 0, "destroying the pool");
    c_.check_eq(pools_.add(0, pcpu_), 0, "giving the pCPU back to pool 0");
  }
  PoolOfOne(const PoolOfOne&) = delete;
  PoolOfOne& operator=(const PoolOfOne&) = delete;
  [[nodiscard]] uint32_t id() const { return id_; }
  [[nodiscard]] uint32_t pcpu() const { return pcpu_; }

 private:
  CaseContext& c_;
  Pools& pools_;
  uint32_t pcpu_;
  uint32_t id_ = 0;
};

}  // namespace assay
