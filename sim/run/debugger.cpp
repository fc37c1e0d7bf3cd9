#include "sim/run/debugger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace assay {

namespace {

using debug::PointKind;
using debug::Stop;

constexpr size_t kStackBytes = 8u << 20;
/// A moment is kept whenever the guest has executed so many instructions more: what is executed again takes some
/// hundredths of a second.
constexpr uint64_t kMomentInstructions = 4'000'000;
/// The debugger is asked whether it wants to interrupt once in so many instructions.
constexpr uint64_t kAskMask = 0xffff;
constexpr uint64_t kForever = ~0ull;

bool is_break(PointKind kind) {
  return kind == PointKind::kSoftwareBreak || kind == PointKind::kHardwareBreak;
}

}  // namespace

Debugger::Debugger(GuestRun& run, uint64_t end_ns) : run_(run), end_ns_(end_ns), fiber_(kStackBytes, fiber_body, this) {
  moments_.push_back({run_.instructions(), run_.take_moment()});
  for (const auto& vcpu : run_.vcpus()) vcpu->set_probe(this);
  go_to(moments_.front().position);
}

Debugger::~Debugger() {
  leave_step();
  for (const auto& vcpu : run_.vcpus()) {
    vcpu->watch_memory({});
    vcpu->set_probe(nullptr);
  }
}

void Debugger::fiber_body(void* self) {
  auto& debugger = *static_cast<Debugger*>(self);
  for (;;) {
    try {
      debugger.run_to_the_end();
      debugger.has_ended_ = true;
    } catch (const Unwound&) {
    }
    debugger.fiber_.leave();
  }
}

void Debugger::run_to_the_end() {
  while (run_.end() == GuestEnd::kRunning && run_.now_ns() < end_ns_) {
    keep_moment();
    run_.advance(run_.now_ns() + 1);
  }
  position_ = run_.instructions();
}

void Debugger::keep_moment() {
  const uint64_t here = run_.instructions();
  if (here >= moments_.back().position + kMomentInstructions) moments_.push_back({here, run_.take_moment()});
}

/// Lets the guest go on from where it stands, until something stops it or the recording is over.
void Debugger::go_on() {
  if (!has_ended_) fiber_.resume();
}

/// Out of the step that the guest is in the midst of. The machine is then of no use before it is put back.
void Debugger::leave_step() {
  if (!is_in_step_) return;
  unwinds_ = true;
  fiber_.resume();
  unwinds_ = false;
  is_in_step_ = false;
}

/// To the latest moment that lies before the position, or at it.
void Debugger::go_back_before(uint64_t position) {
  leave_step();
  const auto behind = std::ranges::upper_bound(moments_, position, {}, &Moment::position);
  const Moment& moment = *std::prev(behind);
  run_.go_back(*moment.moment);
  position_ = moment.position;
  has_ended_ = false;
  access_.reset();
}

void Debugger::go_to(uint64_t position) {
  position = std::max(position, moments_.front().position);
  if (position < position_ || !is_in_step_) go_back_before(position);
  search_ = Search::kPosition;
  limit_ = position;
  go_on();
}

void Debugger::on_run(UnicornGuest& guest) {
  position_ = run_.instructions();
  const auto& vcpus = run_.vcpus();
  const auto found = std::ranges::find(vcpus, &guest, [](const auto& vcpu) { return vcpu.get(); });
  current_ = static_cast<uint32_t>(found - vcpus.begin());
}

bool Debugger::on_instruction(uint64_t address) {
  if (decide(address)) return true;
  executed_by_ = current_thread();
  ++position_;
  return false;
}

void Debugger::on_access(uint64_t address, bool is_write) {
  if (!access_) access_ = Access{address, is_write};
}

void Debugger::on_stop(UnicornGuest& guest) {
  static_cast<void>(guest);
  is_in_step_ = true;
  fiber_.leave();
  if (unwinds_) throw Unwound{};
}

bool Debugger::decide(uint64_t address) {
  if (search_ == Search::kPosition) return position_ >= limit_;
  const std::optional<Hit> found = interest(address);
  if (found) hit_ = found;
  if (search_ == Search::kLast) return position_ >= limit_;
  if (found) return true;
  if ((position_ & kAskMask) != 0 || interrupted_ == nullptr || !(*interrupted_)()) return false;
  hit_ = Hit{position_, {Stop::Reason::kInterrupted, current_thread(), {}, 0, {}}};
  return true;
}

/// What the instruction before has done, or what this one is. Forwards one stands behind an access, backwards before
/// it.
std::optional<Debugger::Hit> Debugger::interest(uint64_t address) {
  const bool is_back = search_ == Search::kLast;
  if (const auto access = std::exchange(access_, std::nullopt); access && position_ > start_) {
    return Hit{is_back ? position_ - 1 : position_, watch_stop(*access)};
  }
  if (stepped_ && position_ > start_ && executed_by_ == *stepped_) {
    return Hit{is_back ? position_ - 1 : position_, {Stop::Reason::kStep, *stepped_, {}, 0, {}}};
  }
  if (stepped_ || (is_back ? position_ >= limit_ : position_ == start_)) return std::nullopt;
  for (const PointKind kind : {PointKind::kSoftwareBreak, PointKind::kHardwareBreak}) {
    const auto point = points_.lower_bound({kind, address, 0});
    if (point == points_.end() || point->kind != kind || point->address != address) continue;
    return Hit{position_, {Stop::Reason::kBreakpoint, current_thread(), kind, address, {}}};
  }
  return std::nullopt;
}

void Debugger::note_last_instruction() {
  if (position_ == start_) return;
  if (const auto access = std::exchange(access_, std::nullopt)) hit_ = Hit{position_ - 1, watch_stop(*access)};
  if (stepped_ && executed_by_ == *stepped_) hit_ = Hit{position_ - 1, {Stop::Reason::kStep, *stepped_, {}, 0, {}}};
}

Stop Debugger::watch_stop(const Access& access) const {
  Stop stop{Stop::Reason::kWatchpoint, current_thread(), PointKind::kWatchAccess, access.address, {}};
  for (const debug::StopPoint& point : points_) {
    const bool is_there = access.address < point.address + point.length && point.address < access.address + 8;
    if (is_break(point.kind) || !is_there) continue;
    if (point.kind == PointKind::kWatchWrite && !access.is_write) continue;
    if (point.kind == PointKind::kWatchRead && access.is_write) continue;
    stop.kind = point.kind;
    stop.address = std::max(access.address, point.address);
    return stop;
  }
  return stop;
}

Stop Debugger::resume(const debug::Resume& how, const std::function<bool()>& interrupted) {
  interrupted_ = &interrupted;
  start_ = position_;
  stepped_ = how.step;
  hit_.reset();
  const Stop stop = how.direction == debug::Direction::kForward ? forward(how) : backward(how);
  interrupted_ = nullptr;
  return stop;
}

Stop Debugger::forward(const debug::Resume&) {
  search_ = Search::kFirst;
  limit_ = kForever;
  executed_by_ = debug::kNoThread;
  go_on();
  if (hit_) return hit_->stop;
  is_in_step_ = false;
  return {Stop::Reason::kEndOfHistory, current_thread(), {}, 0, std::string(to_string(run_.end()))};
}

Stop Debugger::backward(const debug::Resume& how) {
  // The search goes from moment to moment, latest first, for the last thing of interest before where it began.
  uint64_t limit = position_;
  while (limit > moments_.front().position) {
    go_back_before(limit - 1);
    const uint64_t from = position_;
    search_ = Search::kLast;
    limit_ = limit;
    start_ = from;
    stepped_ = how.step;
    executed_by_ = debug::kNoThread;
    hit_.reset();
    go_on();
    // Nothing comes behind the last instruction, which might have been of interest.
    if (has_ended_) note_last_instruction();
    if (hit_) {
      const Hit found = *hit_;
      go_to(found.position);
      return found.stop;
    }
    if (interrupted_ != nullptr && (*interrupted_)()) {
      go_to(from);
      return {Stop::Reason::kInterrupted, current_thread(), {}, 0, {}};
    }
    limit = from;
  }
  go_to(moments_.front().position);
  return {Stop::Reason::kBeginOfHistory, current_thread(), {}, 0, {}};
}

UnicornGuest* Debugger::vcpu_of(debug::ThreadId thread) const {
  const auto& vcpus = run_.vcpus();
  if (thread == debug::kNoThread || thread > vcpus.size()) return nullptr;
  UnicornGuest* const vcpu = vcpus[thread - 1].get();
  return vcpu->registers() == nullptr ? nullptr : vcpu;
}

std::vector<debug::Thread> Debugger::threads() {
  std::vector<debug::Thread> found;
  for (debug::ThreadId id = 1; id <= run_.vcpus().size(); ++id) {
    if (vcpu_of(id) != nullptr) found.push_back({id, fmt::format("d{}v{}", run_.domain().raw(), id - 1)});
  }
  return found;
}

std::optional<debug::Registers> Debugger::registers(debug::ThreadId thread) {
  const UnicornGuest* const vcpu = vcpu_of(thread);
  if (vcpu == nullptr) return std::nullopt;
  const assay_regs& regs = *vcpu->registers();
  return debug::Registers{regs.rax, regs.rbx, regs.rcx, regs.rdx,     regs.rsi,    regs.rdi, regs.rbp,
                          regs.rsp, regs.r8,  regs.r9,  regs.r10,     regs.r11,    regs.r12, regs.r13,
                          regs.r14, regs.r15, regs.rip, regs.rflags,  regs.cs,     regs.ss,  regs.ds,
                          regs.es,  regs.fs,  regs.gs,  regs.fs_base, regs.gs_base};
}

size_t Debugger::read_memory(debug::ThreadId thread, uint64_t va, std::span<std::byte> bytes) {
  UnicornGuest* const vcpu = vcpu_of(thread);
  size_t done = 0;
  while (vcpu != nullptr && done < bytes.size()) {
    const uint8_t* const at = vcpu->peek(va + done);
    if (at == nullptr) break;
    const size_t part = std::min<size_t>(bytes.size() - done, ASSAY_PAGE_SIZE - (va + done) % ASSAY_PAGE_SIZE);
    std::memcpy(&bytes[done], at, part);
    done += part;
  }
  return done;
}

bool Debugger::set_point(const debug::StopPoint& point) {
  points_.insert(point);
  if (!is_break(point.kind)) watch_points();
  return true;
}

bool Debugger::clear_point(const debug::StopPoint& point) {
  points_.erase(point);
  if (!is_break(point.kind)) watch_points();
  return true;
}

void Debugger::watch_points() {
  std::vector<unicorn::Processor::Watched> ranges;
  for (const debug::StopPoint& point : points_) {
    if (is_break(point.kind) || point.length == 0) continue;
    ranges.push_back(
        {point.address, point.length, point.kind != PointKind::kWatchWrite, point.kind != PointKind::kWatchRead});
  }
  for (const auto& vcpu : run_.vcpus()) vcpu->watch_memory(ranges);
}

std::string Debugger::monitor(std::string_view command) {
  constexpr std::string_view kGoto = "goto ";
  if (command == "info") {
    return fmt::format("position {} of d{}, {} ns of virtual time, {} moments kept, {}\n", position_,
                       run_.domain().raw(), run_.now_ns(), moments_.size(), to_string(run_.end()));
  }
  if (command.starts_with(kGoto)) {
    uint64_t position = 0;
    const std::string_view text = command.substr(kGoto.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
    if (error != std::errc{} || end != text.data() + text.size()) return "goto needs a position: a number\n";
    go_to(position);
    return fmt::format("position {}\n", position_);
  }
  return "commands: info, goto POSITION\n";
}

}  // namespace assay
