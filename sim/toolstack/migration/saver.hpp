/// Writes a suspended domain as a stream, by hypercalls of the privileged domain.
#pragma once

#include "sim/toolstack/domain_control.hpp"
#include "sim/toolstack/foreign_window.hpp"
#include "sim/toolstack/migration/byte_channel.hpp"

namespace assay::migration {

struct SaveReport {
  uint64_t pages = 0, bytes = 0;
  /// Record types whose state the hypervisor has no operation for.
  std::vector<std::string> left_out;
};

/// Everything that both ends of a migration work with; all outlive it.
struct Tools {
  const toolstack::Privileged& dom0;
  const toolstack::DomainControl& control;
  toolstack::ForeignWindow& window;
};

/// The domain must have shut down with SHUTDOWN_suspend, and stays as it is, whatever happens. Throws ToolstackError,
/// or what `sink` throws; the stream then has no END.
SaveReport save_domain(const Tools& tools, DomId domain, ByteSink& sink);

}  // namespace assay::migration
