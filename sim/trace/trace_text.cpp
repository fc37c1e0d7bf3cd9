#include "sim/trace/trace_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/abi/describe.hpp"
#include "sim/abi/describe_call.hpp"
#include "sim/abi/xen.hpp"

namespace assay::trace {
namespace {

constexpr std::array<std::string_view, 22> kVectors{"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
                                                    "#DF", "",    "#TS", "#NP", "#SS", "#GP", "#PF", "",
                                                    "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};
constexpr uint32_t kPageFault = 14;

std::string describe_exception(const Exit& exit) {
  const assay_exit& left = exit.left;
  const bool has_name = left.vector < kVectors.size() && !kVectors[left.vector].empty();
  std::string text = has_name ? std::string(kVectors[left.vector]) : fmt::format("exception {}", left.vector);
  if (left.has_error_code != 0) text += fmt::format(" error {:#x}", left.error_code);
  if (left.vector == kPageFault) text += fmt::format(" address {:#x}", left.address);
  return text + fmt::format(" at {:#x}", exit.rip);
}

std::string describe_io(const assay_exit& left) {
  const std::string place = fmt::format("port {:#x} size {}", left.index, left.size);
  return left.is_write != 0 ? fmt::format("out {} = {:#x}", place, left.value) : "in " + place;
}

std::string describe_msr(const Exit& exit) {
  if (exit.left.is_write == 0) return fmt::format("rdmsr {:#x}", exit.left.index);
  return fmt::format("wrmsr {:#x} = {:#x}", exit.left.index, exit.arguments[0]);
}

std::string describe_stage2(const Exit& exit) {
  const uint32_t access = exit.left.access;
  return fmt::format("second-stage fault{}{}{} address {:#x} at {:#x}",
                     (access & ASSAY_ACCESS_READ) != 0 ? " read" : "",
                     (access & ASSAY_ACCESS_WRITE) != 0 ? " write" : "",
                     (access & ASSAY_ACCESS_EXECUTE) != 0 ? " execute" : "", exit.left.address, exit.rip);
}

/// The call is made once more: a continuation.
bool is_repeated(const Exit& exit) {
  constexpr uint64_t kPvInstructionBytes = 2, kHvmInstructionBytes = 3;  // syscall, vmcall
  const uint64_t back = exit.rip - exit.back->rip;
  return back == (exit.mode == ASSAY_MODE_PV64 ? kPvInstructionBytes : kHvmInstructionBytes);
}

std::span<const uint64_t> used_arguments(const Exit& exit) {
  return std::span(exit.arguments).first(std::min(exit.arguments.size(), argument_count(exit.rax)));
}

/// What the call wrote to its structure.
std::string describe_given_back(const Exit& exit) {
  if (exit.back->argument.empty()) return "";
  const int place = call_shape(exit.rax).command;
  const uint64_t command = place < 0 ? 0 : exit.arguments.at(static_cast<size_t>(place));
  return " " + describe_argument(exit.rax, command, exit.back->argument);
}

std::string describe_call_return(const Exit& exit) {
  if (exit.rax == __HYPERVISOR_iret && exit.mode == ASSAY_MODE_PV64) return fmt::format("to {:#x}", exit.back->rip);
  if (is_repeated(exit)) return "again";
  return describe_result(static_cast<int64_t>(exit.back->values[0])) + describe_given_back(exit);
}

std::string in_words(const Exit& exit) {
  std::string text = describe_reason(exit);
  if (const std::string result = describe_return(exit); !result.empty()) text += " = " + result;
  if (!exit.back) {
    text += " (has not come back)";
  } else if (exit.gave_up_pcpu) {
    text += fmt::format(" (back at {} ns)", exit.back->now_ns);
  }
  return text;
}

std::string in_words(const Switch& change) {
  const bool is_first = change.from.kind == Occupant::Kind::kUnknown;
  return "runs " + to_string(change.to) + (is_first ? "" : ", not " + to_string(change.from));
}

std::string in_words(const Delivery& delivery) {
  if (delivery.vector) return fmt::format("takes interrupt {:#x} at {:#x}", *delivery.vector, delivery.rip);
  return fmt::format("goes on at {:#x}, left at {:#x}", delivery.rip, delivery.from_rip);
}

std::string in_words(const CoreEvent& event) {
  return fmt::format("core event {:#x}{}", event.id, describe_numbers(std::span(event.words).first(event.count)));
}

}  // namespace

std::string to_string(VcpuName vcpu) {
  return fmt::format("d{}v{}", vcpu.domid, vcpu.vcpu);
}

std::string to_string(const Occupant& occupant) {
  switch (occupant.kind) {
    case Occupant::Kind::kIdle:
      return "idle";
    case Occupant::Kind::kVcpu:
      return to_string(occupant.vcpu);
    case Occupant::Kind::kOther:
      return "another";
    case Occupant::Kind::kUnknown:
      break;
  }
  return "unknown";
}

std::string describe_reason(const Exit& exit) {
  switch (exit.left.reason) {
    case ASSAY_EXIT_HYPERCALL:
      return describe_call(exit.rax, used_arguments(exit), exit.argument);
    case ASSAY_EXIT_EXCEPTION:
      return describe_exception(exit);
    case ASSAY_EXIT_IO:
      return describe_io(exit.left);
    case ASSAY_EXIT_MSR:
      return describe_msr(exit);
    case ASSAY_EXIT_CPUID:
      return fmt::format("cpuid {:#x}.{}", exit.arguments[0], exit.arguments[1]);
    case ASSAY_EXIT_HALT:
      return "halt";
    case ASSAY_EXIT_STAGE2:
      return describe_stage2(exit);
    case ASSAY_EXIT_PREEMPTED:
      return fmt::format("preempted at {:#x}", exit.rip);
    case ASSAY_EXIT_TRIPLE:
      return fmt::format("triple fault at {:#x}", exit.rip);
    default:
      return "first entry";
  }
}

std::string describe_return(const Exit& exit) {
  if (!exit.back) return "";
  const auto& values = exit.back->values;
  switch (exit.left.reason) {
    case ASSAY_EXIT_HYPERCALL:
      return describe_call_return(exit);
    case ASSAY_EXIT_CPUID:
      return fmt::format("{:#x} {:#x} {:#x} {:#x}", values[0], values[1], values[2], values[3]);
    case ASSAY_EXIT_MSR:
    case ASSAY_EXIT_IO:
      return exit.left.is_write != 0 ? "" : fmt::format("{:#x}", values[0]);
    default:
      return "";
  }
}

std::string describe_what(const Event& event) {
  return std::visit([](const auto& one) { return in_words(one); }, event.what);
}

std::string describe(const Event& event) {
  return fmt::format("{:>14} ns  pcpu {:>2}  {:<5} {}", event.now_ns, event.pcpu,
                     event.vcpu ? to_string(*event.vcpu) : "-", describe_what(event));
}

void print_events(const Trace& trace, size_t last, const Sink& sink) {
  const size_t count = trace.events.size();
  const size_t skipped = count - std::min(count, last);
  if (!trace.subject.empty()) sink("# " + trace.subject + "\n");
  if (skipped + trace.dropped != 0) sink(fmt::format("# {} earlier events\n", skipped + trace.dropped));
  for (size_t i = skipped; i < count; ++i) sink(describe(trace.events[i]) + "\n");
}

}  // namespace assay::trace
