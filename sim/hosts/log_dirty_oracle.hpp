/// The hypervisor's notes of what a domain writes are exact.
#pragma once

#include "sim/hosts/oracles.hpp"

namespace assay::hosts {

/// After a move the domain, if it is a PVH domain, is tracked anew, several times: what it writes, and what the
/// hypervisor writes for it, is noted, counted, and forgotten when it was handed out.
class LogDirtyIsExact final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "log-dirty"; }
  [[nodiscard]] std::string after(MoveScene& scene) override;
};

}  // namespace assay::hosts
