/// Saving, restoring and moving domains of one host, by its privileged domain.
#pragma once

#include "sim/toolstack/migration/restorer.hpp"
#include "sim/toolstack/migration/saver.hpp"

namespace assay::migration {

/// One end of a migration: what works on the domains of one privileged domain.
class Host {
 public:
  /// Takes buffers and a window from the heap of `dom0`, which must outlive it.
  explicit Host(Domain& dom0) : dom0_(dom0), control_(dom0_), window_(dom0_) {}

  SaveReport save(DomId domain, ByteSink& sink, const RoundObserver& on_round = {}) {
    return save_domain(tools(), domain, sink, on_round);
  }
  SaveReport save_live(DomId domain, ByteSink& sink, const std::function<void()>& suspend,
                       const LiveOptions& options = {}) {
    return migration::save_live(tools(), domain, sink, suspend, options);
  }
  SaveReport save_checkpoints(DomId domain, ByteSink& sink, const CheckpointPlan& plan) {
    return migration::save_checkpoints(tools(), domain, sink, plan);
  }
  /// The domain is paused.
  RestoredDomain restore(const GuestSpec& spec, ByteSource& source, const RestoreLimits& limits = {}) {
    return restore_domain(tools(), spec, source, limits);
  }
  /// A restored domain begins to run; a suspended one of this host must be gone, or never run again.
  void start(DomId domain) { control_.unpause(domain); }
  /// A suspended domain goes on where it suspended itself; SHUTDOWN_suspend returns 1 there.
  void go_on(DomId domain);
  /// Idempotent. It may linger while others refer to its memory.
  void destroy(DomId domain) { (void)control_.destroy(domain); }
  [[nodiscard]] std::optional<xen_domctl_getdomaininfo> info(DomId domain) const { return control_.info(domain); }

  [[nodiscard]] Tools tools() { return {dom0_, control_, window_}; }

 private:
  toolstack::Privileged dom0_;
  toolstack::DomainControl control_;
  toolstack::ForeignWindow window_;
};

}  // namespace assay::migration
