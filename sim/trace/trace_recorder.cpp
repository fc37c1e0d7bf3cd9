#include "sim/trace/trace_recorder.hpp"

#include <algorithm>
#include <utility>

#include "sim/abi/describe.hpp"
#include "sim/abi/describe_call.hpp"
#include "sim/abi/xen.hpp"

namespace assay::trace {
namespace {

constexpr uint64_t kCodeBefore = kCodeBytesMax / 2;
constexpr uint64_t kInstructionBytesMax = 15;
constexpr uint64_t kLow32 = UINT32_MAX;

VcpuName name_of(const assay_run& run) {
  return {run.domid, run.vcpu_id};
}

bool is_long_mode(const assay_run& run) {
  return run.mode == ASSAY_MODE_PV64 || run.regs->code_bits == 64;
}

/// A core need not say it of a PV64 vCPU.
uint8_t code_bits_of(const assay_run& run) {
  const uint8_t bits = run.regs->code_bits;
  return bits == 16 || bits == 32 ? bits : 64;
}

/// The registers that carry arguments. Source: public/arch-x86/xen-x86_64.h, xen-x86_32.h.
std::array<uint64_t, 6> call_arguments(const assay_run& run) {
  const assay_regs& r = *run.regs;
  if (is_long_mode(run)) return {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
  std::array<uint64_t, 6> words{r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp};
  for (uint64_t& word : words) word &= kLow32;
  return words;
}

std::array<uint64_t, 6> arguments_of(const assay_run& run, const assay_exit& left) {
  const assay_regs& r = *run.regs;
  switch (left.reason) {
    case ASSAY_EXIT_HYPERCALL:
      return call_arguments(run);
    case ASSAY_EXIT_CPUID:
      return {r.rax & kLow32, r.rcx & kLow32};
    case ASSAY_EXIT_MSR:
      return {left.is_write != 0 ? (r.rdx << 32 | (r.rax & kLow32)) : 0};
    default:
      return {};
  }
}

/// What the core left for the vCPU that comes back.
std::array<uint64_t, 4> values_of(const assay_run& run, uint32_t reason) {
  const assay_regs& r = *run.regs;
  switch (reason) {
    case ASSAY_EXIT_HYPERCALL:
      return {is_long_mode(run) ? r.rax : static_cast<uint64_t>(static_cast<int32_t>(r.rax))};
    case ASSAY_EXIT_CPUID:
      return {r.rax & kLow32, r.rbx & kLow32, r.rcx & kLow32, r.rdx & kLow32};
    case ASSAY_EXIT_MSR:
      return {r.rdx << 32 | (r.rax & kLow32)};
    case ASSAY_EXIT_IO:
      return {r.rax & kLow32};
    default:
      return {};
  }
}

/// Structures with handles or longs inside are laid out in another way for 32-bit callers.
bool has_one_layout(uint64_t number) {
  return number == __HYPERVISOR_event_channel_op || number == __HYPERVISOR_hvm_op;
}

/// An emulated instruction, or a call that is to be repeated: no handler is that near.
bool is_beside(uint64_t rip, uint64_t from) {
  return rip - from + kInstructionBytesMax <= 2 * kInstructionBytesMax;
}

/// Of a call that has one.
uint64_t argument_pointer(const Exit& exit) {
  const int place = call_shape(exit.rax).argument;
  return place < 0 ? 0 : exit.arguments.at(static_cast<size_t>(place));
}

void read_up_to(const ReadBytes& read, const assay_run& run, uint64_t va, size_t bytes, std::vector<std::byte>& to) {
  to.resize(bytes);
  to.resize(std::min(read(run, va, to), bytes));
}

}  // namespace

Trace TraceRecorder::take(std::string subject) {
  trace_.subject = std::move(subject);
  for (auto& [vcpu, left] : left_) left.number = Left::kNotKept;
  return std::exchange(trace_, Trace{});
}

uint64_t TraceRecorder::keep(Event event) {
  if (!options_.filter.take(event) || options_.events_max == 0) return Left::kNotKept;
  if (trace_.events.size() == options_.events_max) {
    trace_.events.pop_front();
    ++trace_.dropped;
  }
  trace_.events.push_back(std::move(event));
  return trace_.dropped + trace_.events.size() - 1;
}

Exit* TraceRecorder::exit_of(uint64_t number) {
  if (number == Left::kNotKept || number < trace_.dropped) return nullptr;
  return std::get_if<Exit>(&trace_.events[number - trace_.dropped].what);
}

Occupant& TraceRecorder::occupant(uint32_t pcpu) {
  if (occupants_.size() <= pcpu) occupants_.resize(pcpu + 1);
  return occupants_[pcpu];
}

std::vector<std::byte> TraceRecorder::changed_argument(const Exit& exit, const assay_run& run) const {
  std::vector<std::byte> now;
  if (exit.argument.empty()) return now;
  read_up_to(options_.read, run, argument_pointer(exit), exit.argument.size(), now);
  if (now == exit.argument) now.clear();
  return now;
}

void TraceRecorder::read_around(Exit& exit, const assay_run& run) const {
  if (exit.left.reason == ASSAY_EXIT_HYPERCALL && (is_long_mode(run) || has_one_layout(exit.rax))) {
    const size_t bytes = std::min(argument_bytes(exit.rax, exit.arguments), kArgumentBytesMax);
    if (bytes != 0) read_up_to(options_.read, run, argument_pointer(exit), bytes, exit.argument);
  }
  if (!options_.with_code) return;
  read_up_to(options_.read, run, exit.rip - kCodeBefore, kCodeBytesMax, exit.code);
  exit.code_before = kCodeBefore;
  if (exit.code.size() > kCodeBefore) return;
  exit.code_before = 0;
  read_up_to(options_.read, run, exit.rip, kCodeBytesMax, exit.code);
}

Exit TraceRecorder::make_exit(const assay_run& run, const assay_exit& left) const {
  Exit exit;
  exit.left = left;
  exit.rip = run.regs->rip;
  exit.rax = run.regs->rax;
  exit.arguments = arguments_of(run, left);
  exit.mode = static_cast<uint8_t>(run.mode);
  exit.code_bits = code_bits_of(run);
  if (options_.read) read_around(exit, run);
  return exit;
}

void TraceRecorder::on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) {
  if (run.mode == ASSAY_MODE_IDLE || run.regs == nullptr) return;
  occupant(pcpu) = {Occupant::Kind::kVcpu, name_of(run)};
  Left& left = left_[name_of(run)];
  left = {run.regs->rip, exit.reason};
  left.may_move = exit.reason == ASSAY_EXIT_HYPERCALL && run.regs->rax == __HYPERVISOR_iret;
  const bool in_window = now_ns >= options_.filter.from_ns && now_ns < options_.filter.to_ns;
  if (!in_window || (options_.filter.domain && *options_.filter.domain != run.domid)) return;
  left.number = keep({now_ns, pcpu, name_of(run), make_exit(run, exit)});
}

void TraceRecorder::note_switch(uint64_t now_ns, uint32_t pcpu, const Occupant& to) {
  Occupant& now = occupant(pcpu);
  if (now == to) return;
  if (now.kind == Occupant::Kind::kVcpu) {
    const auto left = left_.find(now.vcpu);
    Exit* const exit = left != left_.end() ? exit_of(left->second.number) : nullptr;
    if (exit != nullptr) exit->gave_up_pcpu = true;
  }
  keep({now_ns, pcpu, std::nullopt, Switch{now, to}});
  now = to;
}

void TraceRecorder::note_delivery(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const Left* left) {
  const uint64_t rip = run.regs->rip;
  if (run.mode == ASSAY_MODE_HVM) {
    if (run.inject == 0) return;
    keep({now_ns, pcpu, name_of(run), Delivery{static_cast<uint8_t>(run.inject_vector), rip, rip}});
  } else if (left != nullptr && !left->may_move && !is_beside(rip, left->rip)) {
    keep({now_ns, pcpu, name_of(run), Delivery{std::nullopt, rip, left->rip}});
  }
}

void TraceRecorder::on_entry(uint64_t now_ns, uint32_t pcpu, const assay_run& run) {
  if (run.mode == ASSAY_MODE_IDLE || run.regs == nullptr) {
    return note_switch(now_ns, pcpu, {Occupant::Kind::kIdle, {}});
  }
  note_switch(now_ns, pcpu, {Occupant::Kind::kVcpu, name_of(run)});
  const auto found = left_.find(name_of(run));
  if (found == left_.end()) return note_delivery(now_ns, pcpu, run, nullptr);
  const Left left = found->second;
  left_.erase(found);
  if (Exit* const exit = exit_of(left.number); exit != nullptr) {
    exit->back = Return{now_ns, pcpu, run.regs->rip, values_of(run, left.reason), changed_argument(*exit, run)};
  }
  note_delivery(now_ns, pcpu, run, &left);
}

void TraceRecorder::on_core_event(uint64_t now_ns, uint32_t pcpu, uint32_t id, std::span<const uint64_t> words) {
  CoreEvent event;
  event.id = id;
  event.count = static_cast<uint8_t>(std::min(words.size(), CoreEvent::kWords));
  std::copy_n(words.begin(), event.count, event.words.begin());
  std::optional<VcpuName> behalf;
  const Occupant& now = occupant(pcpu);
  if (now.kind == Occupant::Kind::kVcpu) behalf = now.vcpu;
  keep({now_ns, pcpu, behalf, event});
}

}  // namespace assay::trace
