#include "hv/base/timer.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/base/lock.hpp"

namespace hv {

namespace {

struct Queue {
  Lock lock;
  Timer* head = nullptr;
  Ns armed = kNever;  ///< what the host's timer of this pCPU was last set to
  bool closed = false;
};

Queue* queues = nullptr;

/// A pCPU's clock may be so much behind that by which the host's timers go off.
constexpr Ns kClockLagMaxNs = 1'000'000;

Queue& queue_of(uint32_t pcpu) {
  HV_ASSERT(pcpu < host().pcpus);
  return queues[pcpu];
}

void unlink(Queue& queue, Timer& timer) {
  (timer.previous == nullptr ? queue.head : timer.previous->next) = timer.next;
  if (timer.next != nullptr) timer.next->previous = timer.previous;
  timer.next = timer.previous = nullptr;
  timer.deadline = kNever;
}

void link(Queue& queue, Timer& timer, Ns deadline) {
  Timer* previous = nullptr;
  Timer* next = queue.head;
  while (next != nullptr && next->deadline <= deadline) {
    previous = next;
    next = next->next;
  }
  timer.deadline = deadline;
  timer.previous = previous;
  timer.next = next;
  (previous == nullptr ? queue.head : previous->next) = &timer;
  if (next != nullptr) next->previous = &timer;
}

/// The queue where the timer is, locked; null: it is not armed, or not any more.
Queue* lock_queue_of(const Timer& timer) {
  while (timer.deadline != kNever) {
    Queue& queue = queue_of(timer.pcpu);
    queue.lock.lock();
    if (timer.deadline != kNever && &queue == &queue_of(timer.pcpu)) return &queue;
    queue.lock.unlock();  // it has fired, or its queue was closed, while we waited for the lock
  }
  return nullptr;
}

/// Of that pCPU, or of pCPU 0 instead; locked. The number is that of the queue that it is.
Queue& lock_open_queue(uint32_t& pcpu) {
  Queue& wanted = queue_of(pcpu);
  wanted.lock.lock();
  if (!wanted.closed) return wanted;
  wanted.lock.unlock();
  pcpu = 0;
  queues[0].lock.lock();
  return queues[0];
}

void arm_host(Queue& queue, uint32_t pcpu) {
  const Ns wanted = queue.head == nullptr ? kNever : queue.head->deadline;
  if (wanted == queue.armed) return;
  queue.armed = wanted;
  host().set_timer(host().ctx, pcpu, wanted);
}

void move(Timer& timer, Queue& from, Queue& to, uint32_t to_pcpu) {
  const Ns deadline = timer.deadline;
  unlink(from, timer);
  timer.pcpu = to_pcpu;
  link(to, timer, deadline);
}

/// With the queues of that pCPU and of pCPU 0 locked.
template <typename Exchange>
void exchange(uint32_t pcpu, const Exchange& timers) {
  Queue& queue = queue_of(pcpu);
  const LockGuard guard(queue.lock);
  const LockGuard also(queues[0].lock);  // always the second: nobody holds it and waits for another one
  timers(queue, queues[0]);
  arm_host(queue, pcpu);
  arm_host(queues[0], 0);
}

}  // namespace

void timers_init() {
  queues = static_cast<Queue*>(arena_alloc(sizeof(Queue) * host().pcpus));
  HV_ASSERT(queues != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) new (&queues[pcpu]) Queue;
}

void timer_stop(Timer& timer) {
  Queue* const queue = lock_queue_of(timer);
  if (queue == nullptr) return;
  unlink(*queue, timer);
  arm_host(*queue, timer.pcpu);
  queue->lock.unlock();
}

void timer_set(Timer& timer, uint32_t pcpu, Ns deadline) {
  HV_ASSERT(timer.fire != nullptr);
  timer_stop(timer);
  if (deadline == kNever) return;
  timer.home = pcpu;
  Queue& queue = lock_open_queue(pcpu);
  timer.pcpu = pcpu;
  link(queue, timer, deadline);
  arm_host(queue, pcpu);
  queue.lock.unlock();
}

void timers_close(uint32_t pcpu) {
  HV_ASSERT(pcpu != 0);
  exchange(pcpu, [](Queue& own, Queue& first) {
    own.closed = true;
    while (own.head != nullptr) move(*own.head, own, first, 0);
  });
}

void timers_open(uint32_t pcpu) {
  if (fault("timer.stays_on_pcpu_0")) return;
  exchange(pcpu, [pcpu](Queue& own, Queue& first) {
    own.closed = false;
    for (Timer* timer = first.head; timer != nullptr;) {
      Timer& moved = *timer;
      timer = timer->next;
      if (moved.home == pcpu) move(moved, first, own, pcpu);
    }
  });
}

void timers_run(uint32_t pcpu) {
  Queue& queue = queue_of(pcpu);
  const Ns time = now();
  if (queue.head == nullptr) return;
  if (queue.head->deadline > time) {
    // Perhaps the host's timer has gone off by now, although it is not time yet by the clock that was read.
    const bool is_near = queue.head->deadline - time <= kClockLagMaxNs && !fault("timer.early_is_lost");
    if (is_near) host().set_timer(host().ctx, pcpu, queue.armed);
    return;
  }
  queue.lock.lock();
  while (queue.head != nullptr && queue.head->deadline <= time) {
    Timer& timer = *queue.head;
    unlink(queue, timer);
    queue.lock.unlock();  // what fires may set timers, this one included
    timer.fire(timer.context);
    queue.lock.lock();
  }
  queue.armed = 0;  // the host's timer has gone off
  arm_host(queue, pcpu);
  queue.lock.unlock();
}

}  // namespace hv
