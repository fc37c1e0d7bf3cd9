/// What a failure report says about the machine.
#include <array>
#include <cstdarg>
#include <cstdio>

#include "sim/engine/machine.hpp"

namespace assay {

namespace {

constexpr std::array kReasons = {"none",  "hypercall", "exception", "io",        "msr",
                                 "cpuid", "halt",      "stage2",    "preempted", "triple"};

const char* reason_name(uint32_t reason) {
  return reason < kReasons.size() ? kReasons[reason] : "?";
}

[[gnu::format(printf, 2, 3)]] void print(std::string& text, const char* format, ...) {
  std::array<char, 200> line{};
  va_list args;
  va_start(args, format);
  std::vsnprintf(line.data(), line.size(), format, args);
  va_end(args);
  text += line.data();
}

using Word = unsigned long long;

void describe_pcpu(std::string& text, uint32_t pcpu, const PcpuState& state) {
  if (!state.has_entered) return;
  if (state.run.mode == ASSAY_MODE_IDLE || state.run.regs == nullptr) {
    print(text, "pcpu %u: idle%s\n", pcpu, state.in_core ? ", in the core" : "");
    return;
  }
  const assay_regs& regs = *state.run.regs;
  print(text, "pcpu %u: d%uv%u%s rip 0x%llx rsp 0x%llx rax 0x%llx rflags 0x%llx cr3 0x%llx\n", pcpu,
        unsigned{state.run.domid}, state.run.vcpu_id, state.in_core ? ", in the core," : "", Word{regs.rip},
        Word{regs.rsp}, Word{regs.rax}, Word{regs.rflags}, Word{regs.cr3});
}

void describe_entry(std::string& text, const TraceEntry& entry) {
  const auto& [a, b, c] = entry.words;
  if (entry.kind == TraceEntry::Kind::kExit) {
    print(text, "%14llu ns  pcpu %u  d%uv%u %s rax 0x%llx rdi 0x%llx rsi 0x%llx\n", Word{entry.now_ns}, entry.pcpu,
          unsigned{entry.domid}, entry.vcpu, reason_name(entry.id), Word{a}, Word{b}, Word{c});
  } else {
    print(text, "%14llu ns  pcpu %u  core event 0x%x 0x%llx 0x%llx 0x%llx\n", Word{entry.now_ns}, entry.pcpu, entry.id,
          Word{a}, Word{b}, Word{c});
  }
}

}  // namespace

std::string Machine::describe() const {
  std::string text;
  print(text, "virtual time %llu ns, %llu exits\n", Word{state_.now_ns}, Word{state_.exits});
  for (uint32_t pcpu = 0; pcpu < config_.pcpus; ++pcpu) describe_pcpu(text, pcpu, state_.pcpus[pcpu]);
  const uint64_t first =
      state_.trace_count > MachineState::kTraceEntries ? state_.trace_count - MachineState::kTraceEntries : 0;
  for (uint64_t i = first; i < state_.trace_count; ++i) {
    describe_entry(text, state_.trace[i % MachineState::kTraceEntries]);
  }
  return text;
}

}  // namespace assay
