/// A domain under load that moves from host to host, and what it knows of itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/hosts/busy_vcpus.hpp"
#include "sim/hosts/simulated_hosts.hpp"
#include "sim/hosts/stamped_memory.hpp"
#include "sim/hosts/traffic.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"

namespace assay::hosts {

/// Of the rate at which a domain writes.
constexpr uint64_t kNsPerMs = 1'000'000;

struct LoadOptions {
  GuestSpec guest{};
  uint32_t vcpus = 1;           ///< that run, see BusyVcpus
  uint64_t stamped_pages = 0;   ///< 0: most of the guest's memory
  uint64_t writes_per_ms = 10;  ///< pages that are written anew, per millisecond of virtual time
  bool has_traffic = true;
  bool is_abrupt = false;  ///< suspends itself without letting go of what it shares
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

  /// A host where it is not is another machine than it was: there is another partner.
  void meet_again(size_t host);
  /// Does what is due by the clock of its host.
  void work();
  /// It is about to be moved, and goes on working.
  void begin_move() { is_moving_ = true; }
  /// The guest lets go of what it shares, and suspends itself; the hypervisor says that it has.
  void suspend();
  /// It has gone from its host and was destroyed there, while a partner still has something of it: which lets go.
  /// Says what is wrong with that.
  [[nodiscard]] std::vector<std::string> bury();
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
  void check_wall_clock(std::vector<std::string>& wrong);
  void check_ports(std::vector<std::string>& wrong);
  void work_while_moved();
  void share(std::vector<std::string>& wrong);
  /// The call that suspended it has returned.
  void wake(migration::Woken expected, std::vector<std::string>& wrong);
  [[nodiscard]] BusyVcpus::Wait wait();

  SimulatedHosts& hosts_;
  LoadOptions load_;
  size_t at_ = 0;
  Domain* domain_ = nullptr;
  std::vector<std::unique_ptr<Partner>> partners_;
  std::optional<GuestCalls> calls_;
  std::optional<BusyVcpus> vcpus_;
  std::optional<StampedMemory> memory_;
  std::optional<Traffic> traffic_;
  bool is_suspended_ = false, is_moving_ = false;
  Gva heap_;  ///< as it was before what a suspension takes
  uint64_t worked_until_ns_ = 0;
  uint64_t wall_ns_ = 0;
  std::vector<std::string> wrong_meanwhile_;  ///< while it was moved
};

}  // namespace assay::hosts
