/// The vCPUs of a busy domain, each with a counter, clocks, runstates, a timer and a port of its own. Source:
/// public/vcpu.h, public/sched.h, public/event_channel.h.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/hosts/guest_calls.hpp"
#include "sim/target/host/target_host.hpp"
#include "sim/toolstack/migration/guest_suspension.hpp"

namespace assay::hosts {

/// Where there is more than one, the last of those that run polls its port while the domain is suspended, and there are
/// two more: the sleeper goes down before the domain suspends itself and is brought up afterwards, and one is never
/// brought up.
class BusyVcpus {
 public:
  using Wait = std::function<void(uint64_t ns)>;
  using Complaints = std::vector<std::string>;

  /// `spec` with as many vCPUs as `running` take.
  static GuestSpec with_vcpus(GuestSpec spec, uint32_t running);
  /// A guest of such a spec.
  BusyVcpus(Domain& guest, uint32_t running);

  [[nodiscard]] uint32_t running() const { return static_cast<uint32_t>(vcpus_.size()); }
  void move_to(Domain& guest);
  /// Each counts.
  void work();
  /// The sleeper goes down, if there is one that is up.
  void let_one_sleep();
  /// The last one polls; of the others each has a timer running, and every other one an event pending.
  void prepare_suspension(Complaints& wrong);
  /// vCPU 0 has returned from its suspension. `wait` lets time pass.
  void wake(migration::Woken how, const Wait& wait, Complaints& wrong);
  /// The sleeper, if it is down, is brought up: where it was, or in a domain that does not know it.
  void wake_sleeper(HostTarget& target, bool has_moved, Complaints& wrong);
  void check(const Wait& wait, Complaints& wrong);

 private:
  struct One {
    GuestCalls calls;
    uint32_t port = 0, timer_port = 0;
    uint64_t count = 0, system_ns = 0, tsc = 0;
  };

  [[nodiscard]] bool has_others() const { return running() > 1; }
  [[nodiscard]] uint32_t poller() const { return running() - 1; }
  [[nodiscard]] bool is_poller(uint32_t vcpu) const { return has_others() && vcpu == poller(); }
  [[nodiscard]] uint32_t sleeper() const { return running(); }
  [[nodiscard]] uint32_t never_up() const { return running() + 1; }
  [[nodiscard]] GuestCalls& first() { return vcpus_.front().calls; }
  [[nodiscard]] bool is_up(uint32_t vcpu);
  [[nodiscard]] bool gets_event(uint32_t vcpu) const;

  void bind();
  void arm(One& one);
  void send_to(uint32_t vcpu);
  /// Forgets upcalls that are pending for whoever.
  void clear_upcalls();
  [[nodiscard]] bool has_upcall(uint32_t vcpu);
  void end_poll(migration::Woken how, Complaints& wrong);
  void check_kept_events(Complaints& wrong);
  void check_nothing_pending(Complaints& wrong);
  void check_who_is_up(Complaints& wrong);
  void check_counter(uint32_t vcpu, Complaints& wrong);
  void check_clocks(uint32_t vcpu, Complaints& wrong);
  void check_runstate(uint32_t vcpu, Complaints& wrong);
  void check_events(Complaints& wrong);
  void check_timers(const Wait& wait, Complaints& wrong);

  Domain* guest_;
  std::vector<One> vcpus_;
  Gva counters_;
  bool sleeper_is_down_ = false;
};

}  // namespace assay::hosts
