/// Whether a domain has shut down and with what code, as its controller sees it.
#pragma once

#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {

/// The code of a domain that has recorded none.
constexpr uint32_t kNoShutdownCode = XEN_DOMINF_shutdownmask;

struct ShutdownState {
  int64_t result;  ///< of the query
  bool shut_down;
  uint32_t code;  ///< kNoShutdownCode while none is recorded
};

inline ShutdownState shutdown_state(DomctlOps& control, DomId dom) {
  const auto info = control.domain_info(dom);
  const uint32_t flags = info.arg.u.getdomaininfo.flags;
  return {info.result, (flags & XEN_DOMINF_shutdown) != 0,
          (flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask};
}

/// Waits until `dom` has shut down.
inline bool wait_shut_down(CaseContext& c, DomctlOps& control, DomId dom) {
  return wait_until(c, [&] { return shutdown_state(control, dom).shut_down; });
}

}  // namespace assay
