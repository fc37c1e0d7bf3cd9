#include "sim/debug/testing/fake_debuggee.hpp"

#include <algorithm>
#include <cstring>

namespace assay::debug {

FakeDebuggee::FakeDebuggee() {
  constexpr std::array<uint8_t, 11> kProgram = {0x48, 0xff, 0xc0, 0x48, 0x89, 0x07, 0x48, 0x8b, 0x1f, 0xeb, 0xf5};
  std::memcpy(memory_.data(), kProgram.data(), kProgram.size());
  for (size_t i = 0; i < kThreads; ++i) {
    registers_[i].rip = kIncrement;
    registers_[i].rdi = kCounter + i * kCounterApart;
    registers_[i].cs = 0xe033;
    registers_[i].eflags = 0x202;
    registers_[i].gs_base = 0xffff800000001000 + i;
  }
}

std::vector<Thread> FakeDebuggee::threads() {
  if (!has_threads) return {};
  return {{1, "d0v0 @ pcpu0"}, {2, "d1v0 <&> pcpu2"}};
}

std::optional<Registers> FakeDebuggee::registers(ThreadId thread) {
  if (!exists(thread)) return std::nullopt;
  return registers_[thread - 1];
}

bool FakeDebuggee::set_registers(ThreadId thread, const Registers& registers) {
  if (!exists(thread) || refuses_writes) return false;
  registers_[thread - 1] = registers;
  return true;
}

size_t FakeDebuggee::read_memory(ThreadId thread, uint64_t va, std::span<std::byte> bytes) {
  if (!exists(thread) || va < kMemory || va >= kMemory + kMemoryBytes) return 0;
  const size_t count = std::min<uint64_t>(bytes.size(), kMemory + kMemoryBytes - va);
  std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(va - kMemory), count, bytes.begin());
  return count;
}

bool FakeDebuggee::write_memory(ThreadId thread, uint64_t va, std::span<const std::byte> bytes) {
  if (!exists(thread) || refuses_writes || va < kMemory || va >= kMemory + kMemoryBytes) return false;
  if (bytes.size() > kMemory + kMemoryBytes - va) return false;
  std::ranges::copy(bytes, memory_.begin() + static_cast<std::ptrdiff_t>(va - kMemory));
  return true;
}

bool FakeDebuggee::set_point(const StopPoint& point) {
  return point.address >= kMemory && point.address < kMemory + kMemoryBytes && points.insert(point).second;
}

bool FakeDebuggee::clear_point(const StopPoint& point) {
  return points.erase(point) == 1;
}

Stop FakeDebuggee::resume(const Resume& how, const std::function<bool()>& interrupted) {
  while (!interrupted()) {
    const auto stop = how.direction == Direction::kForward ? advance(how) : go_back(how);
    if (stop) return *stop;
  }
  return {.reason = Stop::Reason::kInterrupted, .text = {}};
}

std::string FakeDebuggee::monitor(std::string_view command) {
  monitored.emplace_back(command);
  return command == "info" ? "tick " + std::to_string(ticks()) + "\n" : std::string(command.size() * 1000, '?');
}

std::optional<Stop> FakeDebuggee::advance(const Resume& how) {
  if (ticks() >= recorded_ticks) {
    if (exits) has_threads = false;
    return Stop{.reason = exits ? Stop::Reason::kExited : Stop::Reason::kEndOfHistory, .text = "the machine ended\n"};
  }
  const size_t index = turn(ticks());
  Registers& mine = registers_[index];
  const uint64_t rip = mine.rip;
  history_.push_back({mine, load(mine.rdi)});
  switch (rip) {
    case kIncrement:
      ++mine.rax;
      break;
    case kStore:
      store(mine.rdi, mine.rax);
      break;
    case kLoad:
      mine.rbx = load(mine.rdi);
      break;
    default:
      break;
  }
  mine.rip = rip >= kIncrement && rip < kJump ? rip + 3 : kIncrement;
  if (auto stop = watched(index, rip)) return stop;
  if (auto stop = breakpoint(index)) return stop;
  if (how.step == index + 1) return Stop{.thread = *how.step, .text = {}};
  return std::nullopt;
}

std::optional<Stop> FakeDebuggee::go_back(const Resume& how) {
  if (history_.empty()) return Stop{.reason = Stop::Reason::kBeginOfHistory, .text = {}};
  const size_t index = turn(ticks() - 1);
  registers_[index] = history_.back().registers;
  store(registers_[index].rdi, history_.back().counter);
  history_.pop_back();
  if (auto stop = watched(index, registers_[index].rip)) return stop;
  if (auto stop = breakpoint(index)) return stop;
  if (how.step == index + 1) return Stop{.thread = *how.step, .text = {}};
  return std::nullopt;
}

std::optional<Stop> FakeDebuggee::watched(size_t index, uint64_t rip) const {
  if (rip != kStore && rip != kLoad) return std::nullopt;
  const uint64_t first = registers_[index].rdi;
  for (const StopPoint& each : points) {
    const bool fits = each.kind == PointKind::kWatchAccess ||
                      each.kind == (rip == kStore ? PointKind::kWatchWrite : PointKind::kWatchRead);
    if (!fits || each.address >= first + sizeof(uint64_t) || first >= each.address + each.length) continue;
    return Stop{.reason = Stop::Reason::kWatchpoint,
                .thread = static_cast<ThreadId>(index + 1),
                .kind = each.kind,
                .address = std::max(first, each.address),
                .text = {}};
  }
  return std::nullopt;
}

std::optional<Stop> FakeDebuggee::breakpoint(size_t index) const {
  for (const StopPoint& each : points) {
    if (each.kind != PointKind::kSoftwareBreak && each.kind != PointKind::kHardwareBreak) continue;
    if (each.address != registers_[index].rip) continue;
    return Stop{
        .reason = Stop::Reason::kBreakpoint, .thread = static_cast<ThreadId>(index + 1), .kind = each.kind, .text = {}};
  }
  return std::nullopt;
}

uint64_t FakeDebuggee::load(uint64_t va) const {
  uint64_t value = 0;
  if (va >= kMemory && va <= kMemory + kMemoryBytes - sizeof value) {
    std::memcpy(&value, memory_.data() + (va - kMemory), sizeof value);
  }
  return value;
}

void FakeDebuggee::store(uint64_t va, uint64_t value) {
  if (va < kMemory || va > kMemory + kMemoryBytes - sizeof value) return;
  std::memcpy(memory_.data() + (va - kMemory), &value, sizeof value);
}

}  // namespace assay::debug
