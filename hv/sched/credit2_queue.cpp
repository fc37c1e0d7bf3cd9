/// credit2: run queues, which pCPUs share them, and where a vCPU waits.
#include <algorithm>
#include <bit>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/credit2.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

namespace {

constexpr Ns kLoadWindow = Ns{1} << 30;         ///< of the decaying average
constexpr int64_t kLoadOne = int64_t{1} << 10;  ///< one vCPU that waits or runs
constexpr Ns kBalanceEvery = 10 * kMillisecond;

void set_bit(uint64_t (&mask)[4], uint32_t pcpu) {
  mask[pcpu / 64] |= uint64_t{1} << (pcpu % 64);
}
void clear_bit(uint64_t (&mask)[4], uint32_t pcpu) {
  mask[pcpu / 64] &= ~(uint64_t{1} << (pcpu % 64));
}

/// What OrderedSet looks for: on machines of more than 64 pCPUs a bit stands for several.
uint64_t search_mask(const Vcpu& vcpu) {
  uint64_t mask = 0;
  for (size_t i = 0; i < std::size(vcpu.hard_affinity); ++i) mask |= vcpu.hard_affinity[i] & vcpu.pool->resources[i];
  return mask;
}

/// First pCPU that is in all of them; `all` of them: null counts as everything.
uint32_t first_common(const uint64_t (&a)[4], const uint64_t (&b)[4], const uint64_t (&c)[4], uint32_t none) {
  for (uint32_t i = 0; i < 4; ++i) {
    const uint64_t common = a[i] & b[i] & c[i];
    if (common != 0) return i * 64 + static_cast<uint32_t>(std::countr_zero(common));
  }
  return none;
}

/// The queue has another thread of the pCPU's core.
bool has_sibling(const Credit2Queue& queue, uint32_t pcpu) {
  for (uint32_t other = 0; other < host().pcpus; ++other) {
    if (core_of(other) == core_of(pcpu) && affinity_has(queue.pcpus, other)) return true;
  }
  return false;
}

/// All threads of the pCPU's core that the queue has are free.
bool core_is_free(const Credit2Queue& queue, const uint64_t (&free)[4], uint32_t pcpu) {
  const uint32_t threads = host().threads_per_core;
  const uint32_t end = std::min((core_of(pcpu) + 1) * threads, host().pcpus);
  for (uint32_t sibling = core_of(pcpu) * threads; sibling < end; ++sibling) {
    const bool counts = affinity_has(queue.pcpus, sibling) || fault("sched.credit2_core_across_queues");
    if (counts && !affinity_has(free, sibling)) return false;
  }
  return true;
}

int64_t vcpus_of(const Credit2Queue& queue) {
  return int64_t{queue.waiting.size()} + queue.running;
}

/// As it would be after some time without events: all that is run there runs now.
int64_t load_now(const Credit2Queue& queue, Ns now) {
  const Ns passed = now > queue.load_at ? std::min(now - queue.load_at, kLoadWindow) : 0;
  const int64_t wanted = vcpus_of(queue) * kLoadOne;
  return queue.load + (wanted - queue.load) * static_cast<int64_t>(passed) / static_cast<int64_t>(kLoadWindow);
}

}  // namespace

Credit2Queue* Credit2::queue_with_room(uint32_t pcpu) {
  Credit2Queue** unused = nullptr;
  Credit2Queue* with_room = nullptr;
  for (uint32_t i = 0; i < machine_pcpus_; ++i) {
    Credit2Queue*& at = queues_[i];
    const uint32_t count = at == nullptr ? 0 : at->pcpu_count;
    if (count == 0 && unused == nullptr) unused = &at;
    if (count == 0 || count == kCredit2QueuePcpus) continue;
    if (has_sibling(*at, pcpu)) return at;
    if (with_room == nullptr) with_room = at;
  }
  if (with_room != nullptr) return with_room;
  HV_ASSERT(unused != nullptr);  // there are as many places as pCPUs
  if (fault("sched.credit2_queues_by_pcpu_alone")) unused = &queues_[pcpu / kCredit2QueuePcpus];
  if (*unused == nullptr) *unused = arena_new<Credit2Queue>();
  return *unused;
}

Status Credit2::add_pcpu(uint32_t pcpu) {
  Credit2Queue* queue = queue_with_room(pcpu);
  if (queue == nullptr) return fail(XEN_ENOMEM);
  set_bit(queue->pcpus, pcpu);
  set_bit(queue->idle, pcpu);
  ++queue->pcpu_count;
  pcpus_[pcpu] = {.queue = queue, .current = nullptr, .started = 0, .until = kNever};
  ++pcpu_count_;
  arm_refill();
  return kOk;
}

void Credit2::remove_pcpu(uint32_t pcpu) {
  Credit2Queue& queue = *pcpus_[pcpu].queue;
  HV_ASSERT(pcpus_[pcpu].current == nullptr);
  clear_bit(queue.pcpus, pcpu);
  clear_bit(queue.idle, pcpu);
  clear_bit(queue.tickled, pcpu);
  --queue.pcpu_count;
  pcpus_[pcpu].queue = nullptr;
  --pcpu_count_;
  HV_ASSERT(queue.pcpu_count != 0 || queue.waiting.empty());
  if (!fault("sched.credit2_timer_stays_behind")) arm_refill();
}

void Credit2::account_load(Credit2Queue& queue, Ns now) {
  queue.load = load_now(queue, now);
  queue.load_at = now;
}

uint32_t Credit2::idle_pcpu(const Credit2Queue& queue, const Vcpu& vcpu) {
  Mask free;
  uint64_t any = 0;
  for (size_t i = 0; i < 4; ++i) {
    free[i] = queue.idle[i] & ~queue.tickled[i] & vcpu.pool->resources[i];
    any |= free[i];
  }
  if (any == 0) return kNone;
  Mask preferred;
  for (size_t i = 0; i < 4; ++i) {
    preferred[i] = free[i] & vcpu.hard_affinity[i] & vcpu.soft_affinity[i];
  }
  if (const uint32_t pcpu = best_of(preferred, free, queue, vcpu.pcpu); pcpu != kNone) return pcpu;
  Mask allowed;
  for (size_t i = 0; i < 4; ++i) {
    allowed[i] = fault("sched.woken_outside_affinity") ? free[i] : free[i] & vcpu.hard_affinity[i];
  }
  return best_of(allowed, free, queue, kNone);
}

uint32_t Credit2::best_of(const Mask& candidates, const Mask& free, const Credit2Queue& queue, uint32_t now_on) {
  uint32_t on_whole_core = kNone;
  const uint32_t first = first_common(candidates, candidates, candidates, kNone);
  if (first == kNone) return kNone;
  for (uint32_t pcpu = first; pcpu < host().pcpus && host().threads_per_core > 1; ++pcpu) {
    if (!affinity_has(candidates, pcpu) || !core_is_free(queue, free, pcpu)) continue;
    if (pcpu == now_on) return pcpu;
    if (on_whole_core == kNone) on_whole_core = pcpu;
  }
  if (on_whole_core != kNone) return on_whole_core;
  return now_on != kNone && affinity_has(candidates, now_on) ? now_on : first;
}

Credit2Queue* Credit2::place(const Credit2Vcpu& data, Ns now) const {
  const Vcpu& vcpu = *data.vcpu;
  const auto allowed = [&](const Credit2Queue& queue) {
    return first_common(queue.pcpus, vcpu.hard_affinity, vcpu.pool->resources, kNone) != kNone;
  };
  Credit2Queue* best = data.queue != nullptr && allowed(*data.queue) ? data.queue : nullptr;
  if (best != nullptr && idle_pcpu(*best, vcpu) != kNone) return best;
  for (uint32_t i = 0; i < machine_pcpus_ && queues_[i] != nullptr; ++i) {
    Credit2Queue& queue = *queues_[i];
    if (&queue == best || !allowed(queue)) continue;
    if (idle_pcpu(queue, vcpu) != kNone) return &queue;
    if (best == nullptr || load_now(queue, now) + kLoadOne < load_now(*best, now)) best = &queue;
  }
  HV_ASSERT(best != nullptr);  // the mechanism knows of a pCPU where it may run
  return best;
}

void Credit2::move(Credit2Vcpu& data, Credit2Queue& queue) {
  if (data.queue == &queue) return;
  const int64_t has = credit(data);
  data.queue = &queue;
  set_credit(data, has);
}

void Credit2::enqueue(Credit2Vcpu& data, Ns now) {
  account_load(*data.queue, now);
  data.key = -data.level;
  data.mask = search_mask(*data.vcpu);
  data.queue->waiting.insert(data);
}

void Credit2::dequeue(Credit2Vcpu& data, Ns now) {
  account_load(*data.queue, now);
  data.queue->waiting.remove(data);
}

void Credit2::ask(uint32_t pcpu) {
  if (!fault("sched.credit2_same_pcpu_asked_twice")) set_bit(pcpus_[pcpu].queue->tickled, pcpu);
  tickle(pcpu);
}

void Credit2::notify(const Credit2Vcpu& data, Ns now) {
  const Credit2Queue& queue = *data.queue;
  if (const uint32_t pcpu = idle_pcpu(queue, *data.vcpu); pcpu != kNone) return ask(pcpu);
  // Nobody is idle, or all of them are about to look: who has least credit among those that run makes room.
  uint32_t lowest = kNone;
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    Credit2Vcpu* current = pcpus_[pcpu].current;
    if (pcpus_[pcpu].queue != &queue || current == nullptr || !may_run_on(*data.vcpu, pcpu)) continue;
    charge(*current, now);
    if (lowest == kNone || credit(*current) < credit(*pcpus_[lowest].current)) lowest = pcpu;
  }
  if (lowest == kNone || affinity_has(queue.tickled, lowest)) return;
  const Credit2Vcpu& running = *pcpus_[lowest].current;
  // It may have been chosen when there was no such rival: then its turn ends sooner now.
  if (credit(data) > credit(running) || now + slice(running, data) < pcpus_[lowest].until) ask(lowest);
}

void Credit2::balance(Credit2Queue& from, Ns now) {
  if (now < from.balance_at) return;
  from.balance_at = now + kBalanceEvery;
  Credit2Queue* to = nullptr;
  for (uint32_t i = 0; i < machine_pcpus_ && queues_[i] != nullptr; ++i) {
    const bool less = to == nullptr || load_now(*queues_[i], now) < load_now(*to, now);
    if (queues_[i] != &from && queues_[i]->pcpu_count != 0 && less) to = queues_[i];
  }
  // One vCPU more there and one less here must still be an improvement.
  if (to == nullptr || load_now(*to, now) + 2 * kLoadOne > load_now(from, now)) return;
  uint64_t mask = 0;
  for (const uint64_t word : to->pcpus) mask |= word;
  Credit2Vcpu* data = of(from.waiting.first_of(mask));
  if (data == nullptr || !unit_runnable(*data->vcpu)) return;
  const uint32_t target = first_common(to->pcpus, data->vcpu->hard_affinity, data->vcpu->pool->resources, kNone);
  if (target == kNone) return;
  dequeue(*data, now);
  move(*data, *to);
  if (!fault("sched.credit2_moved_without_its_pcpu")) data->vcpu->pcpu = target;
  enqueue(*data, now);
  notify(*data, now);
}

Credit2Vcpu* Credit2::steal(const Credit2Queue& own, uint32_t pcpu, Ns now) {
  for (uint32_t i = 0; i < machine_pcpus_ && queues_[i] != nullptr; ++i) {
    if (queues_[i] == &own) continue;
    if (Credit2Vcpu* found = candidate(*queues_[i], pcpu, now); found != nullptr) return found;
  }
  return nullptr;
}

}  // namespace hv
