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
  /// Pages of each time that memory was sent. Of save_live: each round of pre-copy, and what was left for when the
  /// domain stood still; of save_checkpoints: each checkpoint, and the end.
  std::vector<uint64_t> rounds;
};

/// One time that memory was sent.
struct Round {
  uint64_t dirty = 0;  ///< pages that were to be sent
  uint64_t sent = 0;   ///< of them, those that have content: the domain has no memory at the others
};
/// Told when a round is over.
using RoundObserver = std::function<void(const Round&)>;

/// Everything that both ends of a migration work with; all outlive it.
struct Tools {
  const toolstack::Privileged& dom0;
  const toolstack::DomainControl& control;
  toolstack::ForeignWindow& window;
};

/// The domain must have shut down with SHUTDOWN_suspend, and stays as it is, whatever happens. Throws ToolstackError,
/// or what `sink` throws; the stream then has no END.
SaveReport save_domain(const Tools& tools, DomId domain, ByteSink& sink, const RoundObserver& on_round = {});

struct LiveOptions {
  unsigned rounds_max = 5;   ///< of pre-copy, after which the domain is stopped however much it writes
  uint64_t pages_left = 64;  ///< as few dirty pages as this are left for when it stands still
  RoundObserver on_round{};
};

/// The same of a PVH domain that runs: memory is sent while it does, then what it wrote meanwhile, and so on. `suspend`
/// has the domain suspend itself, and returns when it has. Whatever is thrown before that leaves a domain that runs;
/// afterwards it is for the caller to have it go on. In either case nobody tracks it any more. A PV domain is refused
/// before anything is written: its writes cannot be tracked without shadow page tables.
SaveReport save_live(const Tools& tools, DomId domain, ByteSink& sink, const std::function<void()>& suspend,
                     const LiveOptions& options = {});

struct CheckpointPlan {
  uint64_t checkpoints = 1;
  /// Has the domain suspend itself, and returns when it has.
  std::function<void()> suspend;
  /// Has it go on, for as long as it may run; then it suspends again.
  std::function<void()> go_on;
};

/// A stream with so many checkpoints, from each of which the domain went on, and its state at the end; it is left
/// suspended there. Of a PVH domain a checkpoint has what was written since the last one, of a PV domain all memory.
/// On an error it is for the caller to have the domain go on; nobody tracks it any more.
SaveReport save_checkpoints(const Tools& tools, DomId domain, ByteSink& sink, const CheckpointPlan& plan);

}  // namespace assay::migration
