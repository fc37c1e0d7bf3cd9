/// What a scheduling policy is, and all that it has to do.
///
/// An instance belongs to one CPU pool and knows nothing of the others: it has no static state. The mechanism around it
/// (sched.hpp) keeps pCPUs, runstates, signals and the fields of Vcpu; a policy keeps its queues and chooses. It lives
/// in the arena, allocates there, and counts in integers.
///
/// **Units and resources.** What is scheduled is a unit: as many vCPUs of one domain as the pool's granularity has
/// pCPUs run together (a core's, say), which are a resource. A policy knows a unit by its first vCPU, whose affinity
/// and Vcpu::pcpu are the unit's, and a resource by its first pCPU. With granularity cpu they are vCPUs and pCPUs, and
/// that is what they are called below; but whether a unit may run is asked with `unit_runnable` (unit.hpp).
///
/// **Lock.** Every call but `destroy` is made with `lock()` held. The mechanism takes it, and looks again whether the
/// vCPU or the pCPU is still this policy's (PolicyGuard). A policy never takes another's lock.
///
/// **Order of calls.** `add_pcpu` comes before any `choose` of that pCPU. `new_domain`, then for each vCPU `new_unit`
/// and `insert`; in the end, or when the domain moves to another pool, `remove` and `free_unit`, then `free_domain`.
///
/// **States of a vCPU** between `insert` and `remove`:
///  - asleep: some reason not to run. The policy keeps it in no queue. Vcpu::pcpu may name a pCPU that has left the
///  pool.
///  - waiting (PolicyUnit::waiting, which the policy sets and clears): runnable and in the policy's care, in a queue or
///  put
///    aside until it may run again (cap). Vcpu::pcpu is the pCPU in whose queue it is.
///  - running: `choose` returned it. It stays so until a `choose` of the same pCPU returns another one.
/// A waiting vCPU may have got a reason not to run whose `sleep` is still to come, and its affinity may have changed
/// with `affinity_changed` still to come: never choose what is not `unit_runnable` or may not run there (`may_run_on`).
///
/// **Who chooses.** A policy that wants a pCPU to choose anew calls `tickle`: at most one signal for each pCPU comes of
/// all that are named in one call, after the lock was let go. What `choose` decides needs no tickle for its own pCPU.
///
/// **To be found by the build**, a policy has a row in policies.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "hv/base/error.hpp"
#include "hv/base/lock.hpp"
#include "hv/base/timer.hpp"
#include "hv/vcpu/vcpu.hpp"

namespace hv {

class Scheduler;
struct CpuPool;

/// A domain, as the mechanism of scheduling knows it. A part of Domain.
struct SchedDomain {
  DomId id;
  const std::array<uint8_t, 16>* handle = nullptr;  ///< as the toolstack has set it, now and later
  CpuPool* pool = nullptr;
  struct PolicyDomain* data = nullptr;  ///< of the pool's policy
};

/// What a policy keeps for a domain: it derives from this. Base fields but `waiting` are set by the mechanism.
struct PolicyDomain {
  Scheduler* owner = nullptr;
  const SchedDomain* domain = nullptr;
};

/// What a policy keeps for a unit, in Vcpu::sched of each of its vCPUs: it derives from this. Base fields but `waiting`
/// are set by the mechanism.
struct PolicyUnit {
  Scheduler* owner = nullptr;
  Vcpu* vcpu = nullptr;  ///< the first one
  PolicyDomain* domain = nullptr;
  bool waiting = false;             ///< set and cleared by the policy
  bool running = false;             ///< `choose` has returned it
  PolicyUnit* next_gone = nullptr;  ///< while its domain moves to another pool
};

/// Why a vCPU waits now and did not before.
enum class WakeReason : uint8_t {
  kUnblocked,  ///< what it waited for in SCHEDOP_block, SCHEDOP_poll or hlt has come
  kUnpaused,   ///< it was down, paused or shut down
  kRequeued,   ///< it waited already: its affinity or its pool has changed
};

struct Choice {
  Vcpu* vcpu = nullptr;  ///< null: idle
  Ns until = kNever;     ///< when to choose again; an idle pCPU sleeps until it is tickled, whatever this says
};

/// A timer of a policy: `timer_fired` is called when it is due.
struct PolicyTimer {
  Timer timer;
  Scheduler* owner = nullptr;
};

/// XEN_SYSCTL_scheduler_op, with what its argument points to.
struct SystemParameters {
  xen_sysctl_scheduler_op& op;
  /// XEN_SCHEDULER_ARINC653: read from the guest before putinfo, written there after getinfo; null for the others.
  xen_sysctl_arinc653_schedule_t* schedule = nullptr;
};

/// Where an audit writes what it has found.
struct AuditReport {
  void (*report)(void*, const char*);
  void* context;
  uint32_t violations = 0;

  void check(bool good, const char* what) {
    if (good) return;
    ++violations;
    report(context, what);
  }
};

class Scheduler {
 public:
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual uint32_t abi_id() const = 0;  ///< XEN_SCHEDULER_*
  /// Gives all memory back. There are no pCPUs, domains or vCPUs left, and no timer is armed.
  virtual void destroy() = 0;

  /// The pCPU is the pool's from now on; nothing runs there. ENOMEM: nothing has changed.
  virtual Status add_pcpu(uint32_t pcpu) = 0;
  /// The pCPU leaves. Nothing runs there, and nobody waits in its queue. Timers that would fire there have to move.
  virtual void remove_pcpu(uint32_t pcpu) = 0;

  /// Data with the parameters of a new domain. Null: no memory, and nothing has changed.
  virtual PolicyDomain* new_domain() = 0;
  /// Its vCPUs are gone.
  virtual void free_domain(PolicyDomain& domain) = 0;
  /// Data for a vCPU that is about to be inserted, or never will be. Null: no memory, and nothing has changed. The vCPU
  /// may still be another policy's: leave alone what is in Vcpu.
  virtual PolicyUnit* new_unit(const Vcpu& vcpu, PolicyDomain& domain) = 0;
  /// It is not inserted.
  virtual void free_unit(PolicyUnit& data) = 0;
  /// The vCPU is in the pool from now on, with data in Vcpu::sched; asleep (a `wake` follows when it is runnable).
  virtual void insert(Vcpu& vcpu) = 0;
  /// The vCPU, asleep, leaves: nothing of the policy refers to it or its data any more. Vcpu::pcpu is still what it
  /// was.
  virtual void remove(Vcpu& vcpu) = 0;

  /// The vCPU, asleep until now, is runnable: it waits. At least one pCPU of the pool is in its hard affinity. The
  /// policy sets Vcpu::pcpu to where it waits, and tickles the pCPU that should choose anew, if one should: one of its
  /// affinity.
  virtual void wake(Vcpu& vcpu, WakeReason reason) = 0;
  /// The vCPU, which does not run, is asleep. It may not have been waiting: then it has another reason not to run, of
  /// which only a policy that cares whether it is offline (kPauseDown) has to know.
  virtual void sleep(Vcpu& vcpu) = 0;
  /// Hard or soft affinity is another one, or the pool's pCPUs are others. A vCPU that waits is put asleep and woken
  /// after this call, one that runs where it may not any more makes its pCPU choose; only what the policy derives is
  /// its own.
  virtual void affinity_changed(Vcpu& /*vcpu*/) {}
  /// Who runs next on `pcpu`. `current` (may be null) ran there until now. Unless it is chosen again, it is asleep from
  /// now on if it is not runnable, or if `may_run_anywhere` is false; otherwise it waits, perhaps elsewhere: Vcpu::pcpu
  /// is then where its affinity lets it run. `yielded`: it asked to let others run first.
  virtual Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) = 0;
  /// A timer of this policy is due; it is not armed any more.
  virtual void timer_fired(PolicyTimer& /*timer*/, Ns /*now*/) {}

  /// XEN_DOMCTL_SCHEDOP_putinfo and getinfo: `op.u` of this policy's kind. An error need not have changed nothing: the
  /// real Xen sets one parameter after the other.
  virtual Status put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) = 0;
  virtual Status get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const = 0;
  /// Whether vCPUs of one domain can differ; if not, the next two are never called (EINVAL).
  [[nodiscard]] virtual bool has_vcpu_parameters() const { return false; }
  /// XEN_DOMCTL_SCHEDOP_putvcpuinfo and getvcpuinfo, one element.
  virtual Status put_vcpu(Vcpu& /*vcpu*/, const xen_domctl_schedparam_vcpu_t& /*parameters*/) {
    return fail(XEN_EINVAL);
  }
  virtual Status get_vcpu(const Vcpu& /*vcpu*/, xen_domctl_schedparam_vcpu_t& /*parameters*/) const {
    return fail(XEN_EINVAL);
  }
  /// XEN_SYSCTL_SCHEDOP_putinfo and getinfo. EINVAL also when there are no such parameters.
  virtual Status put_system(const SystemParameters& /*parameters*/) { return fail(XEN_EINVAL); }
  virtual Status get_system(const SystemParameters& /*parameters*/) const { return fail(XEN_EINVAL); }

  /// Reads only: whoever waits is in exactly the queue of its pCPU, masks of idle pCPUs are true, counts are right,
  /// timers are on pCPUs of the pool. The mechanism checks by itself that Vcpu and pCPU agree and that nobody runnable
  /// is lost.
  virtual void audit(AuditReport& report) const = 0;

  [[nodiscard]] Lock& lock() { return lock_; }
  /// Who has been tickled since the last call, a bit a pCPU. For PolicyGuard.
  [[nodiscard]] std::array<uint64_t, 4> take_tickled() { return std::exchange(tickled_, {}); }

 protected:
  Scheduler() = default;
  ~Scheduler() = default;

  /// That pCPU should choose anew. It must be the pool's.
  void tickle(uint32_t pcpu) { tickled_[pcpu / 64] |= uint64_t{1} << (pcpu % 64); }
  /// (Re)arms; kNever stops. The pCPU must be the pool's.
  void set_timer(PolicyTimer& timer, uint32_t pcpu, Ns deadline);

 private:
  static void fire(void* timer);

  Lock lock_;
  std::array<uint64_t, 4> tickled_{};
};

}  // namespace hv
