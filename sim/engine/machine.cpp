#include "sim/engine/machine.hpp"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "sim/base/hex.hpp"

namespace assay {

namespace {

/// Far from anything the loader, the heap or a sanitizer uses, so that they are free in every process.
constexpr uintptr_t kMemoryAddress = 0x200000000000;
constexpr uintptr_t kArenaAddress = 0x300000000000;
constexpr size_t kStackBytes = 256 * 1024;

/// Where an address lies in relation to a region of the machine: "arena + 0x10" or "16 bytes past the end of the
/// arena".
std::string place(const MachineMemory& region, const char* name, uintptr_t address) {
  const auto start = reinterpret_cast<uintptr_t>(region.data());
  if (address < start) return std::to_string(start - address) + " bytes before the " + name;
  const uint64_t offset = address - start;
  if (offset < region.bytes()) return std::string(name) + " + " + hex(offset);
  return std::to_string(offset - region.bytes()) + " bytes past the end of the " + name;
}

}  // namespace

Machine::Machine(const CoreObject& core, const MachineConfig& config)
    : core_(core),
      config_(config),
      memory_(kMemoryAddress, config.memory_bytes),
      arena_(kArenaAddress, config.arena_bytes),
      policy_(std::make_unique<NeverSwitch>()) {
  fill_host();
  strands_.reserve(config_.pcpus + 1);
  for (uint32_t pcpu = 0; pcpu <= config_.pcpus; ++pcpu) {
    strands_.push_back({this, pcpu});
    const auto body = pcpu == config_.pcpus ? job_body : pcpu_body;
    fibers_.push_back(std::make_unique<Fiber>(kStackBytes, body, &strands_.back()));
  }
  power_on();
}

Machine::~Machine() = default;

void Machine::power_on() {
  memory_.clear();
  arena_.clear();
  core_.restore_data(core_.initial_data());
  state_ = MachineState{};
  console_ = MachineConsole{};
  frozen_ = Moment{};
  state_.pcpus.resize(config_.pcpus);
  restart_fibers();
}

void Machine::restart_fibers() {
  for (const auto& fiber : fibers_) fiber->restart();
  running_ = nullptr;
  switch_to_ = PcpuSet::kNone;
  faulted_ = false;
  death_.reset();
}

int Machine::boot() {
  power_on();
  run_job(Job::kBoot);
  for (uint32_t pcpu = 0; pcpu < config_.pcpus; ++pcpu) interrupt(pcpu);
  return job_result_;
}

int Machine::build_first_domain(const assay_image& image) {
  job_image_ = &image;
  run_job(Job::kBuild);
  job_image_ = nullptr;
  return job_result_;
}

std::string Machine::audit() {
  if (core_.core().audit == nullptr) return {};
  settle();
  constexpr size_t kTextBytes = 8192;
  job_text_.assign(kTextBytes, '\0');
  run_job(Job::kAudit);
  if (job_result_ == 0) return {};
  const std::string text = job_text_.substr(0, job_text_.find('\0'));
  return text.empty() ? std::to_string(job_result_) + " violations" : text;
}

void Machine::freeze() {
  settle();
  memory_.freeze();
  arena_.freeze();
  frozen_ = take_moment();
}

void Machine::rewind() {
  go_back(frozen_);
}

Machine::Moment Machine::take_moment() {
  check_alive();
  if (state_.inside != 0) throw std::logic_error("a moment in the middle of the core");
  Moment moment;
  moment.memory_ = memory_.take();
  moment.arena_ = arena_.take();
  moment.console_ = console_.take();
  auto data = core_.save_data();
  if (last_data_ == nullptr || *last_data_ != data) {
    last_data_ = std::make_shared<const CoreObject::Data>(std::move(data));
  }
  moment.data_ = last_data_;
  moment.state_ = std::make_shared<const MachineState>(state_);
  return moment;
}

void Machine::go_back(const Moment& moment) {
  if (moment.state_ == nullptr) throw std::logic_error("no moment to go back to");
  memory_.go_back(moment.memory_);
  arena_.go_back(moment.arena_);
  console_.go_back(moment.console_);
  core_.restore_data(*moment.data_);
  last_data_ = moment.data_;
  state_.guests.for_each([](GuestExecutor& guest) { guest.pcpu = PcpuSet::kNone; });
  state_ = *moment.state_;
  for (uint32_t pcpu = 0; pcpu < config_.pcpus; ++pcpu) {
    if (state_.pcpus[pcpu].guest != nullptr) state_.pcpus[pcpu].guest->pcpu = pcpu;
  }
  restart_fibers();
}

void Machine::set_policy(std::unique_ptr<SchedulePolicy> policy) {
  settle();
  policy_ = std::move(policy);
  steers_ = policy_->steers();
}

void Machine::run_job(Job job) {
  check_alive();
  const CoreTrapScope scope(*this);
  job_ = job;
  points_left_ = kPointsPerEntryMax;
  running_pcpu_ = 0;
  running_ = fibers_.back().get();
  is_settling_ = true;  // a job is not steered
  running_->resume();
  is_settling_ = false;
  running_ = nullptr;
  if (faulted_) die(CoreDied::How::kFault, describe_fault(fault_));
  check_alive();
}

void Machine::job_body(void* strand) {
  Machine& machine = *static_cast<Strand*>(strand)->machine;
  const assay_core& core = machine.core_.core();
  for (;;) {
    switch (machine.job_) {
      case Job::kBoot:
        machine.job_result_ = core.boot(&machine.host_, machine.config_.command_line.c_str());
        break;
      case Job::kBuild:
        machine.job_result_ = core.build_first_domain(machine.job_image_);
        break;
      case Job::kAudit:
        machine.job_result_ = static_cast<int>(core.audit(machine.job_text_.data(), machine.job_text_.size()));
        break;
    }
    machine.running_->leave();
  }
}

void Machine::pcpu_body(void* strand) {
  const auto& [machine, pcpu] = *static_cast<Strand*>(strand);
  const assay_core& core = machine->core_.core();
  PcpuState* const state = &machine->state_.pcpus[pcpu];
  for (;;) {
    // Written in place: a copy right after the core's narrow stores would stall. Nobody looks at it meanwhile.
    state->run = assay_run{};
    state->run.until_ns = ASSAY_NEVER;
    core.enter(pcpu, &state->exit, &state->run);
    state->in_core = false;
    --machine->state_.inside;
    machine->running_->leave();
  }
}

void Machine::check_alive() const {
  if (death_) throw CoreDied(*death_);
}

void Machine::die(CoreDied::How how, const std::string& what) {
  death_ = std::make_unique<CoreDied>(how, what);
  check_alive();
}

void Machine::on_core_fault(const CoreFault& fault) {
  fault_ = fault;
  faulted_ = true;
  running_->abandon();
}

std::string Machine::describe_fault(const CoreFault& fault) const {
  std::string text = "the core died of ";
  text += sigabbrev_np(fault.signal_number) != nullptr ? "SIG" + std::string(sigabbrev_np(fault.signal_number)) : "?";
  const std::string where = core_.describe_address(fault.rip);
  if (fault.signal_number == SIGSEGV || fault.signal_number == SIGBUS) {
    text += fault.is_write ? ": wrote to " : ": read from ";
    if (arena_.near(fault.address)) {
      text += place(arena_, "arena", fault.address);
    } else if (memory_.near(fault.address)) {
      text += place(memory_, "machine memory", fault.address);
    } else {
      bool is_stack = false;
      for (const auto& fiber : fibers_) is_stack = is_stack || fiber->holds(fault.address);
      text += is_stack ? "beyond the end of its stack (" + std::to_string(kStackBytes) + " bytes)" : hex(fault.address);
    }
  }
  return text + ", at " + (where.empty() ? "an address outside of it" : where);
}

}  // namespace assay
