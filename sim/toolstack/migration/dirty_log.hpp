/// Which pages of a running domain are written, as the hypervisor keeps note of it (XEN_DOMCTL_SHADOW_OP_*).
#pragma once

#include <vector>

#include "sim/toolstack/privileged.hpp"

namespace assay::migration {

/// Notes are kept from its construction until stop(), or its end. Throws ToolstackError: EOPNOTSUPP where the
/// hypervisor cannot track such a domain, which is every PV domain without shadow page tables.
class DirtyLog {
 public:
  DirtyLog(const toolstack::Privileged& dom0, DomId domain);
  DirtyLog(const DirtyLog&) = delete;
  DirtyLog& operator=(const DirtyLog&) = delete;
  /// What fails here is not told: it is for when something else has failed.
  ~DirtyLog();

  /// The pfns below `pages` that were written since the last harvest, in order; their notes are gone then.
  [[nodiscard]] std::vector<uint64_t> harvest(uint64_t pages);
  /// How many the hypervisor says it had noted when they were harvested.
  [[nodiscard]] uint32_t counted() const { return counted_; }
  void stop();

 private:
  [[nodiscard]] xen_domctl request(uint32_t operation) const;
  void must_domctl(xen_domctl& op, const char* name) const;
  const toolstack::Privileged* dom0_;
  DomId domain_;
  bool is_on_ = false;
  uint32_t counted_ = 0;
};

}  // namespace assay::migration
