/// A domain under load that moves from host to host, and what it knows of itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/hosts/simulated_hosts.hpp"
#include "sim/hosts/stamped_memory.hpp"
#include "sim/hosts/traffic.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"

namespace assay::hosts {

struct LoadOptions {
  GuestSpec guest{};
  uint64_t stamped_pages = 0;   ///< 0: most of the guest's memory
  uint64_t writes_per_ms = 10;  ///< pages that are written anew, per millisecond of virtual time
  bool has_traffic = true;
};

/// Clocks of a guest, each of which only ever grows.
struct GuestClocks {
  uint64_t system_ns = 0, tsc = 0, wall_ns = 0;
};

/// One guest of the simulation. Everything that it does on a host is done by hypercalls of its own, and of a partner.
class BusyDomain {
 public:
  /// Built on host 0; every host gets a partner.
  BusyDomain(SimulatedHosts& hosts, const LoadOptions& load);

  [[nodiscard]] Domain& domain() { return *domain_; }
  [[nodiscard]] SimulatedHost& host() { return hosts_.host(at_); }
  [[nodiscard]] const LoadOptions& load() const { return load_; }
  [[nodiscard]] StampedMemory& memory() { return *memory_; }

  /// Does what is due by the clock of its host.
  void work();
  /// The guest lets go of what it shares, and suspends itself; the hypervisor says that it has.
  void suspend();
  /// It goes on where it is, whatever of it was suspended. Says what is wrong with it then.
  [[nodiscard]] std::vector<std::string> go_on();
  /// It is another domain now, on another host, which runs. Says what is wrong with it then.
  [[nodiscard]] std::vector<std::string> arrive(size_t host, const BuiltGuest& built,
                                                const HostTarget::Luggage& luggage);
  [[nodiscard]] bool is_suspended() const { return is_suspended_; }
  /// What the executors know of it, for arrive(); once it is suspended.
  [[nodiscard]] std::unique_ptr<HostTarget::Luggage> luggage() { return host().target().luggage_of(*domain_); }

  /// Everything that it can tell of itself is as it should be; otherwise what is not.
  [[nodiscard]] std::vector<std::string> check();

 private:
  [[nodiscard]] GuestClocks read_clocks();
  void check_clocks(std::vector<std::string>& wrong);
  void check_events(std::vector<std::string>& wrong);
  void check_runstate(std::vector<std::string>& wrong);
  void check_traffic(std::vector<std::string>& wrong);
  /// The call that suspended it has returned.
  void wake(migration::Woken expected, std::vector<std::string>& wrong);

  SimulatedHosts& hosts_;
  LoadOptions load_;
  size_t at_ = 0;
  Domain* domain_ = nullptr;
  std::vector<std::unique_ptr<Partner>> partners_;
  std::optional<GuestCalls> calls_;
  std::optional<StampedMemory> memory_;
  std::optional<Traffic> traffic_;
  bool is_suspended_ = false;
  Gva heap_;  ///< as it was before what a suspension takes
  uint64_t worked_until_ns_ = 0;
  GuestClocks clocks_;
};

}  // namespace assay::hosts
