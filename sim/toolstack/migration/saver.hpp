/// Writes a suspended domain as a stream, by hypercalls of the privileged domain.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/toolstack/domain_control.hpp"
#include "sim/toolstack/foreign_window.hpp"
#include "sim/toolstack/migration/byte_channel.hpp"

namespace assay::migration {

struct SaveReport {
  uint64_t pages = 0, bytes = 0;
  /// Record types whose state the hypervisor has no operation for.
  std::vector<std::string> left_out;
  /// Of save_live: pages that each round of pre-copy sent, and those that were left for when the domain stood still.
  std::vector<uint64_t> rounds;
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

struct LiveOptions {
  unsigned rounds_max = 5;   ///< of pre-copy, after which the domain is stopped however much it writes
  uint64_t pages_left = 64;  ///< as few dirty pages as this are left for when it stands still
};

/// The same of a PVH domain that runs: memory is sent while it does, then what it wrote meanwhile, and so on. `suspend`
/// has the domain suspend itself, and returns when it has. Whatever is thrown before that leaves a domain that runs;
/// afterwards it is for the caller to have it go on. In either case nobody tracks it any more.
SaveReport save_live(const Tools& tools, DomId domain, ByteSink& sink, const std::function<void()>& suspend,
                     const LiveOptions& options = {});

}  // namespace assay::migration
