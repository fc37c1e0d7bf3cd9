/// Every vCPU of the target is as that of the source, and as it was sent.
#pragma once

#include "sim/hosts/oracles.hpp"

namespace assay::hosts {

/// Compares records three ways, so that it can say which host is to blame: the source, which sent another state than it
/// has, or the target, which made another one of it. That a vCPU is up is a part of it: one that is down has no
/// context.
class VcpusArrive final : public MoveOracle {
 public:
  [[nodiscard]] std::string_view name() const override { return "vcpus"; }
  [[nodiscard]] std::string at_arrival(MoveScene& scene) override;
};

}  // namespace assay::hosts
