#include "sim/scenario/guest_vcpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sim/scenario/scenario.hpp"

namespace assay::scenario {
namespace {

constexpr uint64_t kForever = UINT64_MAX;
/// How long a vCPU waits before it tries again to send to one that has not started.
constexpr uint64_t kTryAgainNs = 100 * kNsPerUs;
constexpr uint64_t kBitsPerWord = 64;

/// What the hypervisor leaves on a PV64 guest's stack for an event. Source: public/arch-x86/xen-x86_64.h.
struct EventFrame {
  uint64_t rcx, r11, rip, cs, rflags, rsp, ss;
};

uint64_t scaled(uint64_t ns, uint64_t by, uint64_t of) {
  return ns / of * by + ns % of * by / of;
}

}  // namespace

GuestVcpu::GuestVcpu(DomainMemory& memory, uint32_t id, std::unique_ptr<Workload> workload, ScheduleWatch& watch,
                     const Slowness& slowness)
    : memory_(memory), id_(id), workload_(std::move(workload)), watch_(watch), slowness_(slowness) {}

const std::string& GuestVcpu::trouble() const {
  return trouble_.empty() && writer_ != nullptr ? writer_->trouble() : trouble_;
}

vcpu_info_t& GuestVcpu::info() const {
  return memory_.shared->vcpu_info[id_];
}

GuestStep GuestVcpu::step(assay_run& run, const StepLimits& limits, assay_exit& exit) {
  run_ = &run;
  regs_ = run.regs;
  exit_ = &exit;
  now_ns_ = limits.now_ns;
  watch_.awake(index(), now_ns_);
  left(now_ns_);
  while (regs_->rip == kUpcallVa) take_upcall();
  if (call_ != Call::kNone) {
    const bool is_to_be_made_again = regs_->rip + kSyscallBytes == kAfterCallVa;
    if (is_to_be_made_again) {
      regs_->rip = kAfterCallVa;
      exit_->reason = ASSAY_EXIT_HYPERCALL;
      return {.kind = GuestStep::Kind::kExit};
    }
    returned(std::exchange(call_, Call::kNone));
  }
  return go_on();
}

GuestStep GuestVcpu::go_on() {
  for (;;) {
    switch (doing_) {
      case Doing::kStarting:
        return start();
      case Doing::kComputing:
        if (remaining_ns_ != 0) return compute();
        break;
      case Doing::kSleeping:
        if (now_ns_ < wake_ns_) return sleep();
        break;
      case Doing::kAwaiting:
        if (events_ == 0) return block();
        --events_;
        break;
      case Doing::kHalted:
        return block();
      case Doing::kStep:
        break;
    }
    if (has_peer_) return send(peer_);
    doing_ = Doing::kStep;
    const Step step = workload_->next(now_ns_);
    if (const GuestStep taken = begin(step); taken.kind != GuestStep::Kind::kTurn) return taken;
  }
}

/// kTurn: there is nothing to leave for yet.
GuestStep GuestVcpu::begin(const Step& step) {
  constexpr GuestStep kGoOn{.kind = GuestStep::Kind::kTurn};
  switch (step.kind) {
    case Step::Kind::kCompute:
    case Step::Kind::kSpin:
      doing_ = Doing::kComputing;
      remaining_ns_ = step.kind == Step::Kind::kSpin ? kForever : step.ns;
      return kGoOn;
    case Step::Kind::kSleepUntil:
      doing_ = Doing::kSleeping;
      wake_ns_ = step.ns;
      is_armed_ = false;
      return kGoOn;
    case Step::Kind::kAwait:
      doing_ = Doing::kAwaiting;
      return kGoOn;
    case Step::Kind::kHalt:
      doing_ = Doing::kHalted;
      return kGoOn;
    case Step::Kind::kGrowTable:
      return grant_frames_ == kGrantFramesMax ? kGoOn : grow_table();
    case Step::Kind::kWrite:
      writer_->write(*run_, step.page);
      return kGoOn;
    case Step::Kind::kYield:
      watch_.yields(index(), now_ns_);
      return call(Call::kYield, __HYPERVISOR_sched_op, SCHEDOP_yield);
    case Step::Kind::kPoll:
      return poll(step.ns);
    case Step::Kind::kSend:
      break;
  }
  has_peer_ = true;
  peer_ = step.peer;
  return send(step.peer);
}

/// What a kernel does before anything else: no ticks that nobody asked for, its areas, its timer, and a port for events
/// from the other vCPUs.
GuestStep GuestVcpu::start() {
  switch (started_) {
    case Call::kNone:
      started_ = Call::kStopTicks;
      return call(Call::kStopTicks, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, id_);
    case Call::kStopTicks:
      started_ = Call::kRegisterRunstate;
      area().arguments[0] = area_va(id_) + offsetof(VcpuArea, runstate);
      return call(Call::kRegisterRunstate, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, id_, argument());
    case Call::kRegisterRunstate: {
      started_ = Call::kBindTimer;
      const evtchn_bind_virq_t bind{.virq = VIRQ_TIMER, .vcpu = id_, .port = 0};
      std::memcpy(area().arguments, &bind, sizeof bind);
      return call(Call::kBindTimer, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, argument());
    }
    case Call::kBindTimer: {
      started_ = Call::kBindIpi;
      const evtchn_bind_ipi_t bind{.vcpu = id_, .port = 0};
      std::memcpy(area().arguments, &bind, sizeof bind);
      return call(Call::kBindIpi, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, argument());
    }
    default:
      doing_ = Doing::kStep;
      return go_on();
  }
}

GuestStep GuestVcpu::compute() {
  is_computing_ = true;
  since_ns_ = now_ns_;
  if (remaining_ns_ == kForever) return {.kind = GuestStep::Kind::kIdle};
  const uint64_t needed = scaled(remaining_ns_, slowness_(pcpu, now_ns_), kWholePcpu);
  return {.kind = GuestStep::Kind::kWait, .until_ns = now_ns_ + std::max<uint64_t>(1, needed)};
}

void GuestVcpu::left(uint64_t now_ns) {
  if (!is_computing_) return;
  is_computing_ = false;
  if (remaining_ns_ == kForever) return;
  const uint64_t slowness = slowness_(pcpu, since_ns_);
  const uint64_t needed = scaled(remaining_ns_, slowness, kWholePcpu);
  const uint64_t spent = now_ns - since_ns_;
  remaining_ns_ = spent >= needed ? 0 : std::max<uint64_t>(1, remaining_ns_ - scaled(spent, kWholePcpu, slowness));
}

GuestStep GuestVcpu::sleep() {
  if (is_armed_) return block();
  is_armed_ = true;
  const vcpu_set_singleshot_timer_t timer{.timeout_abs_ns = wake_ns_, .flags = 0};
  std::memcpy(area().arguments, &timer, sizeof timer);
  return call(Call::kSetTimer, __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, id_, argument());
}

GuestStep GuestVcpu::block() {
  watch_.blocks(index(), now_ns_);
  return call(Call::kBlock, __HYPERVISOR_sched_op, SCHEDOP_block);
}

GuestStep GuestVcpu::poll(uint64_t until_ns) {
  sched_poll_t poll{};
  poll.ports.p = reinterpret_cast<evtchn_port_t*>(area_va(id_) + offsetof(VcpuArea, ports));
  area().ports[0] = memory_.ports[id_];
  poll.nr_ports = 1;
  poll.timeout = until_ns;
  std::memcpy(area().arguments, &poll, sizeof poll);
  watch_.arms(index(), until_ns);
  watch_.blocks(index(), now_ns_);
  return call(Call::kPoll, __HYPERVISOR_sched_op, SCHEDOP_poll, argument());
}

GuestStep GuestVcpu::send(uint32_t peer) {
  const uint32_t port = memory_.ports[peer];
  if (port == 0) {
    doing_ = Doing::kSleeping;
    wake_ns_ = now_ns_ + kTryAgainNs;
    is_armed_ = false;
    return sleep();
  }
  has_peer_ = false;
  const evtchn_send_t send{.port = port};
  std::memcpy(area().arguments, &send, sizeof send);
  watch_.is_sent_to(memory_.first + peer, now_ns_);
  doing_ = Doing::kStep;
  return call(Call::kSend, __HYPERVISOR_event_channel_op, EVTCHNOP_send, argument());
}

GuestStep GuestVcpu::grow_table() {
  gnttab_setup_table request{};
  request.dom = DOMID_SELF;
  request.nr_frames = grant_frames_ + 1;
  request.frame_list.p = reinterpret_cast<xen_pfn_t*>(area_va(id_) + offsetof(VcpuArea, grant_frames));
  std::memcpy(area().arguments, &request, sizeof request);
  return call(Call::kGrowTable, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, argument(), 1);
}

void GuestVcpu::table_answered() {
  gnttab_setup_table answer{};
  std::memcpy(&answer, area().arguments, sizeof answer);
  if (answer.status == GNTST_okay) {
    ++grant_frames_;
  } else if (answer.status == GNTST_general_error) {
    ++refusals_;
  } else if (trouble_.empty()) {
    trouble_ = fmt::format("setup_table of {} frames answered {}", answer.nr_frames, answer.status);
  }
}

GuestStep GuestVcpu::call(Call what, uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3) {
  call_ = what;
  ++hypercalls_;
  regs_->rax = number;
  regs_->rdi = a1;
  regs_->rsi = a2;
  regs_->rdx = a3;
  regs_->rip = kAfterCallVa;
  exit_->reason = ASSAY_EXIT_HYPERCALL;
  return {.kind = GuestStep::Kind::kExit};
}

void GuestVcpu::returned(Call what) {
  const auto result = static_cast<int64_t>(regs_->rax);
  if (result < 0 && trouble_.empty()) {
    trouble_ = fmt::format("hypercall {} of step {} returned {}", hypercalls_, static_cast<int>(what), result);
  }
  if (what == Call::kGrowTable && result == 0) table_answered();
  if (what == Call::kSetTimer) watch_.arms(index(), wake_ns_);
  if (what == Call::kBindTimer && result == 0) {
    evtchn_bind_virq_t bind{};
    std::memcpy(&bind, area().arguments, sizeof bind);
    timer_port_ = bind.port;
  }
  if (what == Call::kBindIpi && result == 0) {
    evtchn_bind_ipi_t bind{};
    std::memcpy(&bind, area().arguments, sizeof bind);
    memory_.ports[id_] = bind.port;
  }
}

/// The event handler: notes what is pending, and goes back to where it interrupted.
void GuestVcpu::take_upcall() {
  EventFrame frame{};
  std::memcpy(&frame, reinterpret_cast<const std::byte*>(&area()) + (regs_->rsp - area_va(id_)), sizeof frame);
  take_events();
  constexpr unsigned kMaskShift = 32;
  constexpr uint64_t kMaskBits = 0xff;
  info().evtchn_upcall_mask = static_cast<uint8_t>(frame.cs >> kMaskShift & kMaskBits);
  regs_->rcx = frame.rcx;
  regs_->r11 = frame.r11;
  regs_->rip = frame.rip;
  regs_->rsp = frame.rsp;
}

void GuestVcpu::take_events() {
  vcpu_info_t& mine = info();
  mine.evtchn_upcall_pending = 0;
  mine.evtchn_pending_sel = 0;
  // Words are shared with the other vCPUs: only what is bound to this one is taken.
  static_cast<void>(take_event(timer_port_));
  if (take_event(memory_.ports[id_])) ++events_;
}

bool GuestVcpu::take_event(uint32_t port) {
  xen_ulong_t& word = memory_.shared->evtchn_pending[port / kBitsPerWord];
  const xen_ulong_t bit = xen_ulong_t{1} << (port % kBitsPerWord);
  const bool is_pending = (word & bit) != 0;
  word &= ~bit;
  return is_pending;
}

}  // namespace assay::scenario
