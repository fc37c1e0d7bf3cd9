/// One host of a simulation: a machine with a core of its own, and the toolstack of its privileged domain.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/target/host/target_host.hpp"
#include "sim/toolstack/migration/migration.hpp"

namespace assay::hosts {

/// What a host has to give, as its privileged domain is told.
struct Resources {
  uint64_t free_pages = 0;
  std::vector<uint16_t> domains;
  bool operator==(const Resources&) const = default;
};
std::string to_string(const Resources& resources);

class SimulatedHost {
 public:
  /// Throws TargetUnavailable when the core is none, or domains that move cannot live there; TargetDied when it does
  /// not boot.
  SimulatedHost(std::string name, const HostOptions& options);

  /// A fresh machine.
  void begin(uint64_t seed);
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] HostTarget& target() { return *target_; }
  [[nodiscard]] migration::Host& toolstack() { return *toolstack_; }
  [[nodiscard]] uint64_t now_ns() const { return target_->now_ns(); }

  [[nodiscard]] Resources resources();
  /// Whether the hypervisor lets the domain run: it is there, not paused, not shut down.
  [[nodiscard]] bool can_run(DomId domain);
  /// Leaves so many pages free, if there are more; a domain that never runs has the rest.
  void leave_room(uint64_t pages);
  /// Gives back what leave_room took.
  void make_room();

 private:
  std::string name_;
  std::unique_ptr<HostTarget> target_;
  std::optional<migration::Host> toolstack_;
  std::optional<DomId> ballast_;
};

}  // namespace assay::hosts
