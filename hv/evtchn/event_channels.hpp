/// Event channels of one domain: ports, their bindings, and the 2-level delivery through shared_info.
/// Operations between two domains take both components; who may ask for what is decided by the caller (hv/hypercall).
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/base/lock.hpp"
#include "hv/base/types.hpp"

namespace hv {

/// How events reach vCPUs: implemented above (hv/vcpu), so that this folder knows nothing of vCPUs.
class UpcallSink {
 public:
  /// Sets evtchn_pending_sel bit and evtchn_upcall_pending of a vCPU and kicks it when the latter was clear.
  virtual void mark_pending(uint32_t vcpu_id, uint32_t selector_bit) = 0;
  /// A port became pending: wakes vCPUs that poll it.
  virtual void wake_pollers(Port port) = 0;
  [[nodiscard]] virtual bool vcpu_exists(uint32_t vcpu_id) const = 0;

 protected:
  ~UpcallSink() = default;
};

}  // namespace hv
