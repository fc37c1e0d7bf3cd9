/// A host that has only so many free frames: all others are a domain's that never runs.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/toolstack/domain_control.hpp"

namespace assay::scenario {

class MemoryLimit {
 public:
  explicit MemoryLimit(const toolstack::Privileged& dom0) : dom0_(dom0), control_(dom0) {}

  /// Leaves so many. Throws ToolstackError: there are fewer, or the hypervisor refuses.
  void leave(uint64_t frames);
  /// There is memory again.
  void lift();
  [[nodiscard]] bool is_on() const { return holder_.has_value(); }
  /// Source: public/sysctl.h, xen_sysctl_physinfo.
  [[nodiscard]] uint64_t free_frames() const;

 private:
  const toolstack::Privileged& dom0_;
  toolstack::DomainControl control_;
  std::optional<DomId> holder_;
};

}  // namespace assay::scenario
