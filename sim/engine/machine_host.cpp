/// What a core can ask of the host. These run on a core's fiber: they never throw and never wait.
#include <algorithm>
#include <cstring>
#include <utility>

#include "sim/engine/machine.hpp"

namespace assay {

namespace {
constexpr uint64_t kFoldTrace = 3ull << 61;
constexpr uint64_t kFoldSwitch = 5ull << 60;
/// A core in a loop must not fill the host's memory.
constexpr size_t kConsoleBytesMax = 4u << 20;
constexpr uint32_t kTraceWordsMax = 7;
}  // namespace

void Machine::fill_host() {
  host_.major = ASSAY_PORT_MAJOR;
  host_.minor = ASSAY_PORT_MINOR;
  host_.ctx = this;
  host_.memory = memory_.data();
  host_.frames = frames();
  host_.arena = arena_.data();
  host_.arena_bytes = arena_.bytes();
  host_.pcpus = config_.pcpus;
  host_.tsc_khz = config_.tsc_khz;
  host_.wallclock_s = config_.wallclock_s;
  host_.now_ns = host_now;
  host_.set_timer = host_set_timer;
  host_.signal = host_signal;
  host_.console_write = host_console_write;
  host_.console_read = host_console_read;
  host_.trace = host_trace;
  host_.point = host_point;
  host_.panic = host_panic;
  host_.threads_per_core = config_.threads_per_core;
  const uint32_t cores = (config_.pcpus + config_.threads_per_core - 1) / config_.threads_per_core;
  host_.cores_per_socket = config_.cores_per_socket != 0 ? config_.cores_per_socket : cores;
  host_.suspend = host_suspend;
}

uint64_t Machine::tsc(uint64_t now_ns) const {
  constexpr uint64_t kNsPerMs = 1'000'000;
  return now_ns / kNsPerMs * config_.tsc_khz + now_ns % kNsPerMs * config_.tsc_khz / kNsPerMs;
}

uint64_t Machine::host_now(void* ctx) {
  const Machine& machine = self(ctx);
  const uint64_t now = machine.state_.now_ns;
  if (machine.hardware_ == nullptr) return now;
  return now - std::min(now, machine.hardware_->clock_lag_ns(machine.running_pcpu_, now));
}

void Machine::host_set_timer(void* ctx, uint32_t pcpu, uint64_t deadline_ns) {
  Machine& machine = self(ctx);
  if (pcpu >= machine.config_.pcpus) machine.stop_core(CoreDied::How::kPanic, "set_timer: no such pcpu");
  if (machine.hardware_ != nullptr && deadline_ns != ASSAY_NEVER) {
    const uint64_t lateness = machine.hardware_->timer_lateness_ns(pcpu, machine.state_.now_ns);
    deadline_ns = lateness > ASSAY_NEVER - deadline_ns ? ASSAY_NEVER : deadline_ns + lateness;
  }
  machine.state_.pcpus[pcpu].timer_ns = deadline_ns;
  machine.state_.next_event_ns = std::min(machine.state_.next_event_ns, deadline_ns);
}

void Machine::host_signal(void* ctx, uint32_t pcpu) {
  Machine& machine = self(ctx);
  if (pcpu >= machine.config_.pcpus) machine.stop_core(CoreDied::How::kPanic, "signal: no such pcpu");
  const uint64_t now = machine.state_.now_ns;
  const uint64_t delay = machine.hardware_ == nullptr ? 0 : machine.hardware_->signal_delay_ns(pcpu, now);
  if (delay == 0) return machine.interrupt(pcpu);
  uint64_t& arrives = machine.state_.pcpus[pcpu].signal_ns;
  arrives = std::min(arrives, now + delay);
  machine.state_.next_event_ns = std::min(machine.state_.next_event_ns, arrives);
}

void Machine::host_console_write(void* ctx, const char* text, uint64_t bytes) {
  MachineConsole& console = self(ctx).console_;
  console.append({text, std::min<uint64_t>(bytes, kConsoleBytesMax - console.text().size())});
}

uint64_t Machine::host_console_read(void* ctx, char* text, uint64_t bytes) {
  std::string& input = self(ctx).state_.console_input;
  const size_t count = std::min<uint64_t>(bytes, input.size());
  std::memcpy(text, input.data(), count);
  input.erase(0, count);
  return count;
}

void Machine::type_console(std::string_view text) {
  state_.console_input += text;
  state_.digest.fold_bytes(std::as_bytes(std::span(text)));
  interrupt(0);  // as a serial port would
}

void Machine::host_trace(void* ctx, uint32_t id, const uint64_t* words, uint32_t count) {
  Machine& machine = self(ctx);
  const uint32_t kept = std::min(count, kTraceWordsMax);
  machine.state_.digest.fold(kFoldTrace | id, kept);
  for (uint32_t i = 0; i < kept; ++i) machine.state_.digest.fold(words[i]);
  if (machine.watcher_ != nullptr) {
    machine.watcher_->on_core_event(machine.state_.now_ns, machine.running_pcpu_, id, std::span(words, kept));
  }
  TraceEntry& entry = machine.next_trace_entry();
  entry = {machine.state_.now_ns, TraceEntry::Kind::kCore, machine.running_pcpu_, id, 0, 0, {}};
  std::copy_n(words, std::min<size_t>(kept, entry.words.size()), entry.words.begin());
}

void Machine::host_point(void* ctx, uint32_t kind, const void* object) {
  Machine& machine = self(ctx);
  machine.state_.now_ns += kPointCostNs;
  if (--machine.points_left_ == 0)
    machine.stop_core(CoreDied::How::kHang,
                      "the core passed too many scheduling points "
                      "without returning");
  // Alone in the core and not steered: nothing to choose, the common case.
  const bool may_switch = machine.steers_ || machine.state_.inside > 1 || kind == ASSAY_POINT_WAIT;
  if (may_switch) machine.on_point(static_cast<assay_point>(kind), object);
}

void Machine::on_point(assay_point kind, const void* object) {
  const uint32_t pcpu = running_pcpu_;
  PcpuState& state = state_.pcpus[pcpu];
  if (!state.in_core) return;  // a job: nothing else can run
  // Asked for twice without having been taken: somebody else holds the lock and must go on.
  const bool contended = kind == ASSAY_POINT_LOCK_WANTED && state.wanted_lock == object;
  if (kind == ASSAY_POINT_LOCK_WANTED) state.wanted_lock = object;
  if (kind == ASSAY_POINT_LOCK_TAKEN) state.wanted_lock = nullptr;

  uint32_t chosen = pcpu;
  if (contended || kind == ASSAY_POINT_WAIT) {
    chosen = choose_other(pcpu, kind == ASSAY_POINT_WAIT);
  } else if (steers_ && !is_settling_) {
    chosen = policy_->at_point(kind, pcpu, state_.ready);
  }
  if (chosen == pcpu) return;
  switch_to_ = chosen;
  state_.digest.fold(kFoldSwitch | static_cast<uint64_t>(kind), pcpu, chosen);
  running_->leave();
}

/// Somebody whose step may bring `pcpu` on: who is in the core, then who has been signalled, then anybody. Who waits
/// for a signal to be noticed looks at the first two alike: those in the core may be waiting for the same.
uint32_t Machine::choose_other(uint32_t pcpu, bool for_signal) {
  PcpuSet inside;
  for (uint32_t other = 0; other < config_.pcpus; ++other) {
    if (state_.pcpus[other].in_core || (for_signal && state_.interrupted.has(other))) inside.add(other);
  }
  for (PcpuSet candidates : {inside, state_.interrupted, state_.ready}) {
    candidates.remove(pcpu);
    if (candidates.empty()) continue;
    return steers_ && !is_settling_ ? policy_->at_wait(pcpu, candidates) : candidates.after(pcpu);
  }
  return hurry_signal(pcpu);
}

/// Nobody can go on before a signal has arrived: time passes until the next one has. Who is then to go on.
uint32_t Machine::hurry_signal(uint32_t pcpu) {
  uint32_t first = pcpu;
  uint64_t arrives = ASSAY_NEVER;
  for (uint32_t other = 0; other < config_.pcpus; ++other) {
    // Its own brings it nowhere: it is in the core already.
    if (other == pcpu || state_.pcpus[other].signal_ns >= arrives) continue;
    first = other;
    arrives = state_.pcpus[other].signal_ns;
  }
  if (first == pcpu) return pcpu;
  state_.now_ns = std::max(state_.now_ns, std::exchange(state_.pcpus[first].signal_ns, ASSAY_NEVER));
  interrupt(first);
  return first;
}

void Machine::host_suspend(void* ctx) {
  Machine& machine = self(ctx);
  MachineState& state = machine.state_;
  while (state.inside > 1) host_point(ctx, ASSAY_POINT_WAIT, &state.inside);
  for (const PcpuState& pcpu : state.pcpus) {
    const bool has_guest = !pcpu.in_core && pcpu.guest != nullptr;
    if (has_guest) machine.stop_core(CoreDied::How::kPanic, "suspend: another pcpu has a guest");
  }
  const uint64_t from_ns = state.now_ns;
  state.now_ns += machine.sleep_ns_;
  if (machine.watcher_ != nullptr) machine.watcher_->on_sleep(from_ns, state.now_ns);
}

void Machine::host_panic(void* ctx, const char* message) {
  self(ctx).stop_core(CoreDied::How::kPanic, message != nullptr ? message : "(no message)");
}

void Machine::stop_core(CoreDied::How how, const char* what) {
  // The fiber is not unwound, so what is allocated here must be owned by the machine already.
  death_ = std::make_unique<CoreDied>(how, how == CoreDied::How::kPanic ? std::string("panic: ") + what : what);
  running_->abandon();
}

}  // namespace assay
