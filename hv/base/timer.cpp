#include "hv/base/timer.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/host.hpp"
#include "hv/base/lock.hpp"

namespace hv {

namespace {

struct Queue {
  Lock lock;
  Timer* head = nullptr;
  Ns armed = kNever;  ///< what the host's timer of this pCPU was last set to
};

Queue* queues = nullptr;

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

void arm_host(Queue& queue, uint32_t pcpu) {
  const Ns wanted = queue.head == nullptr ? kNever : queue.head->deadline;
  if (wanted == queue.armed) return;
  queue.armed = wanted;
  host().set_timer(host().ctx, pcpu, wanted);
}

}  // namespace

void timers_init() {
  queues = static_cast<Queue*>(arena_alloc(sizeof(Queue) * host().pcpus));
  HV_ASSERT(queues != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) new (&queues[pcpu]) Queue;
}

void timer_stop(Timer& timer) {
  if (timer.deadline == kNever) return;
  Queue& queue = queue_of(timer.pcpu);
  LockGuard guard(queue.lock);
  if (timer.deadline == kNever) return;  // fired while we waited for the lock
  unlink(queue, timer);
  arm_host(queue, timer.pcpu);
}

void timer_set(Timer& timer, uint32_t pcpu, Ns deadline) {
  HV_ASSERT(timer.fire != nullptr);
  timer_stop(timer);
  if (deadline == kNever) return;
  Queue& queue = queue_of(pcpu);
  LockGuard guard(queue.lock);
  timer.pcpu = pcpu;
  link(queue, timer, deadline);
  arm_host(queue, pcpu);
}

void timers_run(uint32_t pcpu) {
  Queue& queue = queue_of(pcpu);
  const Ns time = now();
  if (queue.head == nullptr || queue.head->deadline > time) return;
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
