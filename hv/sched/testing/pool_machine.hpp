/// A machine of pCPUs under one scheduler, without guests: vCPUs that burn time, sleep and wake by the test's word, on
/// a clock that goes from event to event. Mechanism and policy are the real ones.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "hv/base/testing/fake_host.hpp"
#include "hv/base/timer.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/rendezvous.hpp"
#include "hv/sched/sched.hpp"
#include "hv/vcpu/time.hpp"

namespace hv::testing {

class PoolMachine {
 public:
  static constexpr uint64_t kArenaBytes = 64u << 20;

  PoolMachine(uint32_t pcpus, std::string_view policy, uint32_t threads_per_core = 1, std::string_view granularity = {})
      : host_(16, pcpus, kArenaBytes) {
    host_.set_threads(threads_per_core);
    host_.on_point = [this](uint32_t kind, const void* /*object*/) {
      if (kind == ASSAY_POINT_WAIT) enter_signalled();
    };
    timers_init();
    if (!sched_init({policy, granularity}).ok()) throw Panic{"no such policy"};
    set_vcpu_hooks({sched_wake, sched_sleep, sched_forget, nullptr, nullptr, nullptr});
  }

  struct Guest {
    SchedDomain sched;
    std::array<uint8_t, 16> handle{};
    std::deque<Vcpu> vcpus;
    std::vector<Vcpu*> pointers;  ///< to those of `vcpus` that exist, in their order
  };

  /// A domain with vCPUs that are down. Weight and cap as for credit and credit2; other schedulers have none to set.
  Guest& add(uint32_t vcpus, uint16_t weight = 256, uint16_t cap = 0) {
    Guest& guest = guests_.emplace_back();
    guest.sched.id = DomId{static_cast<uint16_t>(guests_.size())};
    guest.sched.handle = &guest.handle;
    if (!sched_create_domain(guest.sched, first_cpupool()).ok()) throw Panic{"no memory"};
    add_vcpus(guest, vcpus);
    const bool set_anything = weight != 256 || cap != 0;
    if (set_anything && !set(guest, weight, cap).ok()) throw Panic{"parameters refused"};
    return guest;
  }

  /// vCPUs that are down, behind those that it has.
  void add_vcpus(Guest& guest, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
      Vcpu& vcpu = guest.vcpus.emplace_back();
      vcpu.id = static_cast<uint32_t>(guest.vcpus.size() - 1);
      vcpu.memory = &memory_;
      vcpu.runstate.state = RUNSTATE_offline;
      vcpu.runstate.state_entry_time = host_.now_ns;
      if (!sched_create_vcpu(vcpu, guest.sched, guest.pointers.data()).ok()) throw Panic{"no memory"};
      guest.pointers.push_back(&vcpu);
    }
  }

  /// The same, all running without end.
  Guest& add_busy(uint32_t vcpus, uint16_t weight = 256, uint16_t cap = 0) {
    Guest& guest = add(vcpus, weight, cap);
    for (Vcpu& vcpu : guest.vcpus) vcpu_unpause(vcpu, kPauseDown);
    return guest;
  }

  Status set(Guest& guest, uint16_t weight, uint16_t cap) {
    xen_domctl_scheduler_op op{};
    op.u.credit2 = {weight, cap};
    const PolicyGuard policy(*guest.sched.data->owner);
    return policy->put_domain(*guest.sched.data, op);
  }

  static void pin(Vcpu& vcpu, uint64_t pcpus) {
    vcpu.hard_affinity[0] = pcpus;
    vcpu.hard_affinity[1] = vcpu.hard_affinity[2] = vcpu.hard_affinity[3] = 0;
    sched_affinity_changed(vcpu);
  }

  /// As the hypercalls that take a pCPU out of pool 0 and put it there do it; affinities stay as they are.
  void take_pcpu(uint32_t pcpu) {
    cpupool_remove(first_cpupool(), pcpu);
    affinities_changed();
    sched_leave(pcpu);
  }
  void give_pcpu(uint32_t pcpu) {
    ASSERT_TRUE(cpupool_add(first_cpupool(), pcpu).ok());
    affinities_changed();
  }

  /// All that happens up to `time`, pCPU by pCPU in each moment.
  void run_until(Ns time) {
    while (true) {
      settle();
      Ns next = time;
      for (uint32_t pcpu = 0; pcpu < pcpus(); ++pcpu) next = std::min(next, next_event(pcpu));
      if (next >= time) break;
      host_.now_ns = std::max(next, host_.now_ns);
    }
    host_.now_ns = time;
    settle();
  }
  /// The clock goes on before anybody looks at it: whatever is due comes late.
  void skip(Ns time) { host_.now_ns += time; }
  void run_for(Ns time) { run_until(host_.now_ns + time); }

  [[nodiscard]] static Ns ran(const Vcpu& vcpu) { return runstate_now(vcpu).time[RUNSTATE_running]; }
  [[nodiscard]] static Ns ran(const Guest& guest) {
    Ns sum = 0;
    for (const Vcpu& vcpu : guest.vcpus) sum += ran(vcpu);
    return sum;
  }
  [[nodiscard]] uint32_t pcpus() const { return host_.port().pcpus; }
  [[nodiscard]] uint64_t switches() const { return switches_; }
  [[nodiscard]] Ns clock() const { return host_.now_ns; }

  /// What an audit has to say; empty when all is well.
  [[nodiscard]] std::string audit() {
    std::string text;
    sched_audit([](void* to, const char* what) { static_cast<std::string*>(to)->append(what).append("\n"); }, &text);
    for (const Guest& guest : guests_) {
      for (const Vcpu& vcpu : guest.vcpus) {
        if (const char* wrong = sched_audit_vcpu(vcpu); wrong != nullptr) text.append(wrong).append("\n");
      }
    }
    return text;
  }

  /// Nobody waits, but for caps, for a pCPU that is idle.
  [[nodiscard]] bool work_conserved() const {
    for (const Guest& guest : guests_) {
      for (const Vcpu& vcpu : guest.vcpus) {
        if (!vcpu_runnable(vcpu) || vcpu.running) continue;
        for (uint32_t pcpu = 0; pcpu < pcpus(); ++pcpu) {
          if (may_run_on(vcpu, pcpu) && sched_pcpu(pcpu).current == nullptr) return false;
        }
      }
    }
    return true;
  }

  /// Six busy vCPUs, of which three are pinned to pCPU 0 and one to pCPU 1, block and wake in turn: no work is lost and
  /// no audit complains after any of it.
  void expect_work_conserved_on_subsets() {
    Guest& guest = add_busy(6);
    for (size_t i = 0; i < 4; ++i) pin(guest.vcpus[i], i < 3 ? 1 : 2);
    for (int i = 0; i < 2000; ++i) {
      Vcpu& vcpu = guest.vcpus[static_cast<size_t>(i * 7 % 6)];
      if (vcpu_runnable(vcpu)) {
        vcpu_pause(vcpu, kPauseBlocked);
      } else {
        vcpu_unblock(vcpu);
      }
      run_for(kMillisecond / 3);
      ASSERT_TRUE(work_conserved()) << i;
      ASSERT_EQ(audit(), "") << i;
    }
  }

  /// While a policy sets a timer, others go on: each time, one of four vCPUs is paused by a pCPU that then waits for
  /// the policy's lock. Whoever is chosen is still runnable (the mechanism asserts it), and nobody is lost.
  void expect_choices_to_hold_while_timers_are_set(Guest& guest) {
    uint32_t pauses = 0;
    for (uint32_t round = 0; round < 1000; ++round) {
      Vcpu* paused = nullptr;
      host_.on_point = [&](uint32_t kind, const void* object) {
        const Lock& policy = first_cpupool().policy->lock();
        if (kind != ASSAY_POINT_LOCK_TAKEN || object == &policy || !policy.held() || paused != nullptr) return;
        paused = &guest.vcpus[pauses++ % guest.vcpus.size()];
        paused->pause_flags |= kPauseDomain;
      };
      run_for(kMillisecond / 3);
      host_.on_point = nullptr;
      if (paused == nullptr) continue;
      sched_sleep(*paused);
      settle();
      ASSERT_EQ(audit(), "") << round;
      ASSERT_FALSE(paused->running) << round;
      vcpu_unpause(*paused, kPauseDomain);
      vcpu_pause(guest.vcpus[(pauses + 1) % guest.vcpus.size()], kPauseBlocked);
      run_for(kMillisecond / 5);
      vcpu_unblock(guest.vcpus[(pauses + 1) % guest.vcpus.size()]);
    }
    EXPECT_GT(pauses, 0u) << "timers were set";
  }

  void destroy(Guest& guest) {
    for (Vcpu& vcpu : guest.vcpus) {
      vcpu_pause(vcpu, kPauseDown);
      settle();
    }
    for (Vcpu& vcpu : guest.vcpus) sched_forget(vcpu);
    guest.pointers.clear();
    guest.vcpus.clear();
    sched_destroy_domain(guest.sched);
  }

 private:
  void affinities_changed() {
    for (Guest& guest : guests_) {
      for (Vcpu& vcpu : guest.vcpus) sched_affinity_changed(vcpu);
    }
  }
  /// Until nobody has anything to do in this moment.
  void settle() {
    for (bool busy = true; busy;) {
      busy = false;
      for (uint32_t pcpu = 0; pcpu < pcpus(); ++pcpu) {
        if (host_.signals[pcpu] == 0 && next_event(pcpu) > host_.now_ns) continue;
        busy = true;
        enter(pcpu);
      }
    }
  }
  /// Somebody waits for others: those that have been signalled come. Calls are nested, as there are no fibers: nobody
  /// comes who may have to wait for one that cannot go on before.
  void enter_signalled() {
    for (uint32_t pcpu = 0; pcpu < pcpus(); ++pcpu) {
      if (host_.signals[pcpu] == 0) continue;
      bool may_come = !inside_.at(pcpu);
      for_each_together(resource_of(sched_pcpu(pcpu)),
                        [&](const Pcpu& other) { may_come = may_come && (!inside_.at(other.id) || other.has_come); });
      if (may_come) enter(pcpu);
    }
  }
  void enter(uint32_t number) {
    inside_.at(number) = true;
    host_.signals[number] = 0;
    Pcpu& pcpu = sched_pcpu(number);
    const Vcpu* before = pcpu.current;
    timers_run(number);
    sched_switch(pcpu);
    if (pcpu.current != before) ++switches_;
    if (pcpu.current != nullptr) pcpu.current->in_core = false;
    inside_.at(number) = false;
  }
  [[nodiscard]] Ns next_event(uint32_t number) const {
    const Pcpu& pcpu = sched_pcpu(number);
    const Ns until = pcpu.reschedule ? 0 : pcpu.current == nullptr ? kNever : pcpu.until;
    return std::min(until, host_.timers[number]);
  }

  FakeHost host_;
  DomainMemory memory_;
  std::deque<Guest> guests_;
  std::array<bool, ASSAY_PCPUS_MAX> inside_{};
  uint64_t switches_ = 0;
};

}  // namespace hv::testing
