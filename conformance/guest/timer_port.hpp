/// VIRQ_TIMER of a vCPU, and whether it was raised.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {

/// VIRQ_TIMER of one vCPU, bound by itself or by vCPU 0 on its behalf.
class TimerVirq {
 public:
  explicit TimerVirq(CaseContext& c, uint32_t vcpu = 0) : c_(c), info_(c.vcpu()) {
    const PortResult bound = EventChannels(c.vcpu()).bind_virq(VIRQ_TIMER, vcpu);
    c.require_eq(bound.result, 0, "set-up: binding VIRQ_TIMER");
    port_ = bound.port;
    clear();
  }

  [[nodiscard]] EvtchnPort port() const { return port_; }
  [[nodiscard]] bool fired() const { return info_.pending(port_); }
  [[nodiscard]] bool fires() const {
    return wait_until(c_, [this] { return fired(); });
  }
  void clear() { info_.clear_pending(port_); }

 private:
  CaseContext& c_;
  SharedInfo info_;
  EvtchnPort port_{};
};

}  // namespace assay
