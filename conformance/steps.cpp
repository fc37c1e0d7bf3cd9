#include "conformance/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "conformance/show.hpp"
#include "conformance/show_instruction.hpp"
#include "sim/abi/describe.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr size_t kRememberedWrites = 8;
constexpr size_t kRememberedBytes = 512;
constexpr uint64_t kShownElements = 3;
constexpr size_t kHypercallArguments = 6;

std::string name_of(const Vcpu& vcpu) {
  return fmt::format("d{}v{}", vcpu.domain().id().raw(), vcpu.id());
}

/// Addresses of the page that everybody knows by name are offsets into it.
std::string address(const Vcpu& vcpu, uint64_t va) {
  const uint64_t shared = vcpu.domain().shared_info().raw();
  if (va >= shared && va < shared + kPageSize) return fmt::format("shared_info+{:#x}", va - shared);
  return fmt::format("{:#x}", va);
}

std::string contents(std::span<const std::byte> bytes) {
  if (bytes.size() > sizeof(uint64_t)) return describe_structure("", bytes);
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return describe_number(value);
}

/// domctl, sysctl and platform_op keep the operation inside their argument, before the structure that goes with it.
size_t payload_offset(uint64_t number) {
  switch (number) {
    case __HYPERVISOR_domctl:
      return offsetof(xen_domctl, u);
    case __HYPERVISOR_sysctl:
      return offsetof(xen_sysctl, u);
    default:
      return 0;
  }
}

uint32_t first_word(std::span<const std::byte> bytes) {
  uint32_t word = 0;
  if (bytes.size() >= sizeof word) std::memcpy(&word, bytes.data(), sizeof word);
  return word;
}

std::string plain_arguments(std::span<const uint64_t> arguments) {
  while (!arguments.empty() && arguments.back() == 0) arguments = arguments.first(arguments.size() - 1);
  std::string text;
  for (const uint64_t argument : arguments) text += " " + describe_number(argument);
  return text;
}

std::string describe_control(uint64_t number, std::span<const std::byte> bytes) {
  const auto names = operation_name(number, first_word(bytes));
  const size_t offset = payload_offset(number);
  std::string text = names ? std::string(names->name) : fmt::format("command {}", first_word(bytes));
  if (number == __HYPERVISOR_domctl && bytes.size() >= offset) {
    domid_t domain = 0;
    std::memcpy(&domain, bytes.data() + offsetof(xen_domctl, domain), sizeof domain);
    text += fmt::format(" d{}", domain);
  }
  if (names && names->argument != "void" && bytes.size() > offset) {
    text += " " + describe_structure(names->argument, bytes.subspan(offset));
  }
  return text;
}

std::string describe_multicall_entry(std::span<const std::byte> bytes) {
  multicall_entry_t entry{};
  std::memcpy(&entry, bytes.data(), sizeof entry);
  const auto name = hypercall_name(entry.op);
  const auto names = operation_name(entry.op, entry.args[0]);
  const std::string what =
      names ? std::string(names->name) : (name ? std::string(*name) : fmt::format("hypercall {}", entry.op));
  return fmt::format("{} = {}", what, show_signed(static_cast<int64_t>(entry.result)));
}

/// One element of an array argument.
std::string describe_element(uint64_t number, std::string_view structure, std::span<const std::byte> bytes) {
  if (number == __HYPERVISOR_multicall) return describe_multicall_entry(bytes);
  if (number != __HYPERVISOR_mmuext_op) return describe_structure(structure, bytes);
  const auto names = operation_name(number, first_word(bytes));
  return (names ? std::string(names->name) + " " : "") + describe_structure(structure, bytes);
}

std::string_view structure_of(uint64_t number, uint64_t command) {
  switch (number) {
    case __HYPERVISOR_mmu_update:
      return "mmu_update";
    case __HYPERVISOR_mmuext_op:
      return "mmuext_op";
    case __HYPERVISOR_multicall:
      return "multicall_entry";
    default: {
      const auto names = operation_name(number, command);
      return names ? names->argument : "void";
    }
  }
}

std::string describe_argument(uint64_t number, uint64_t command, std::span<const std::byte> bytes) {
  if (payload_offset(number) != 0) return describe_control(number, bytes);
  const std::string_view structure = structure_of(number, command);
  const size_t each = structure_bytes(structure);
  if (each == 0) return describe_structure(structure, bytes);
  std::string text;
  uint64_t shown = 0;
  for (size_t at = 0; at + each <= bytes.size() && shown < kShownElements; at += each, ++shown) {
    text += (shown == 0 ? "" : ", ") + describe_element(number, structure, bytes.subspan(at, each));
  }
  return text + (bytes.size() >= (shown + 1) * each ? ", ..." : "");
}

std::string describe_fault(const assay_fault& fault) {
  return fmt::format("exception {} error {:#x} address {:#x}", fault.vector, fault.error_code, fault.address);
}

/// Operations that need no more than their arguments and values; nothing for those that are nobody's business.
std::pair<std::string_view, std::string> describe_operation(const GuestRequest& request, const GuestReply& reply) {
  switch (request.op) {
    case ASSAY_OP_ATOMIC:
      return {"atomic", fmt::format("kind {} operand {:#x} at {:#x}: was {:#x}", request.arg[2], request.arg[3],
                                    request.arg[0], reply.value[0])};
    case ASSAY_OP_CPUID:
      return {"cpuid", fmt::format("{:#x}.{} = {:#x} {:#x} {:#x} {:#x}", request.arg[0], request.arg[1], reply.value[0],
                                   reply.value[1], reply.value[2], reply.value[3])};
    case ASSAY_OP_RDMSR:
      return {"msr", fmt::format("read {:#x} = {:#x}", request.arg[0], reply.value[0])};
    case ASSAY_OP_WRMSR:
      return {"msr", fmt::format("write {:#x} = {:#x}", request.arg[0], request.arg[1])};
    case ASSAY_OP_TIME:
      return {"time", fmt::format("{} ns", reply.value[0])};
    case ASSAY_OP_UPCALLS:
      return {"upcall", request.arg[0] != 0 ? "let through" : "held"};
    case ASSAY_OP_UPCALL_RECORD:
      return {"upcall", fmt::format("{} taken so far", reply.value[0])};
    case ASSAY_OP_WAIT_UPCALL:
      return {"upcall", fmt::format("waited for number {}: {}", request.arg[0],
                                    reply.status == ASSAY_STATUS_OK ? "came" : "did not come")};
    case ASSAY_OP_SPIN:
      return {"wait", fmt::format("spun for {} ns", request.arg[0])};
    case ASSAY_OP_HALT:
      return {"wait", "halted"};
    case ASSAY_OP_EXECUTE:
      return {"instruction", show_instruction(request) + " led to " + show_execution(request.out)};
    case ASSAY_OP_NOP:
    case ASSAY_OP_FILL:
    case ASSAY_OP_PARK:
      return {};
    default:
      return {"operation", fmt::format("{}", static_cast<uint32_t>(request.op)) + plain_arguments(request.arg)};
  }
}

}  // namespace

std::string CaseSteps::begin_call(const Vcpu& vcpu, const GuestRequest& request) {
  Memory& seen = memory(vcpu);
  const uint64_t number = request.arg[0];
  const std::span<const uint64_t> arguments = std::span(request.arg).subspan(1, kHypercallArguments);
  const CallShape shape = call_shape(number);
  seen.call_number = number;
  seen.call_command = shape.command >= 0 ? arguments[static_cast<size_t>(shape.command)] : 0;
  seen.argument = shape.argument >= 0 ? arguments[static_cast<size_t>(shape.argument)] : 0;
  if (unshown_write_va_ != 0 && unshown_write_va_ == seen.argument) unshown_write_va_ = 0;
  flush_write();

  const auto name = hypercall_name(number);
  const auto operation =
      shape.command >= 0 ? operation_name(number, seen.call_command) : std::optional<OperationName>();
  std::string text = name ? std::string(*name) : fmt::format("hypercall {}", describe_number(number));
  if (operation) text = operation->name;
  const auto found = std::find_if(seen.written.rbegin(), seen.written.rend(),
                                  [&](const auto& entry) { return entry.first == seen.argument; });
  const bool has_structure = payload_offset(number) != 0 || structure_of(number, seen.call_command) != "void";
  if (!has_structure || seen.argument == 0 || found == seen.written.rend()) {
    return text + plain_arguments(operation ? arguments.subspan(1) : arguments);
  }
  std::string others;  // such as the vcpu of a vcpu_op
  for (size_t i = operation ? 1 : 0; i < arguments.size(); ++i) {
    if (static_cast<int>(i) != shape.argument && arguments[i] != 0) others += " " + describe_number(arguments[i]);
  }
  return text + others + " " + describe_argument(number, seen.call_command, found->second);
}

void CaseSteps::note_call(const Vcpu& vcpu, const GuestRequest& request, const GuestReply& reply) {
  const std::string call = begin_call(vcpu, request);
  const bool fault = reply.status == ASSAY_STATUS_FAULT;
  add(vcpu, "hypercall",
      call + " = " + (fault ? describe_fault(reply.fault) : show_signed(static_cast<int64_t>(reply.value[0]))));
}

void CaseSteps::note_read(const Vcpu& vcpu, const GuestRequest& request) {
  const Memory& seen = memory(vcpu);
  const std::span<const std::byte> bytes = request.out;
  if (seen.argument != 0 && request.arg[0] == seen.argument) {
    add(vcpu, "read", "back " + describe_argument(seen.call_number, seen.call_command, bytes));
  } else {
    add(vcpu, "read", fmt::format("{}: {}", address(vcpu, request.arg[0]), contents(bytes)));
  }
}

void CaseSteps::note_write(const Vcpu& vcpu, const GuestRequest& request) {
  Memory& seen = memory(vcpu);
  const auto kept = request.in.first(std::min(request.in.size(), kRememberedBytes));
  if (seen.written.size() == kRememberedWrites) seen.written.erase(seen.written.begin());
  seen.written.emplace_back(request.arg[0], Bytes(kept.begin(), kept.end()));
  flush_write();
  unshown_write_va_ = request.arg[0];
  unshown_write_ = {name_of(vcpu), "write", fmt::format("{}: {}", address(vcpu, request.arg[0]), contents(request.in))};
}

void CaseSteps::on_operation(const Vcpu& vcpu, const GuestRequest& request, GuestReply& reply) {
  if (is_paused_) return;
  if (request.op == ASSAY_OP_HYPERCALL) return note_call(vcpu, request, reply);
  if (reply.status == ASSAY_STATUS_FAULT) {
    flush_write();
    return add(vcpu, "fault", fmt::format("{:#x}: {}", request.arg[0], describe_fault(reply.fault)));
  }
  if (request.op == ASSAY_OP_WRITE) return note_write(vcpu, request);
  flush_write();
  if (request.op == ASSAY_OP_READ) return note_read(vcpu, request);
  auto [kind, text] = describe_operation(request, reply);
  if (!kind.empty()) add(vcpu, kind, std::move(text));
}

void CaseSteps::on_start(const Vcpu& vcpu, const GuestRequest& request) {
  if (is_paused_) return;
  Memory& seen = memory(vcpu);
  seen.begun_kind = request.op == ASSAY_OP_EXECUTE ? "instruction" : "hypercall";
  seen.execution = {};
  if (request.op == ASSAY_OP_HYPERCALL) {
    seen.begun = begin_call(vcpu, request);
  } else if (request.op == ASSAY_OP_EXECUTE) {
    seen.begun = show_instruction(request);
    seen.execution = request.out;
  } else {
    seen.begun = "halt";
  }
  flush_write();
  add(vcpu, seen.begun_kind, seen.begun + " begins");
}

void CaseSteps::on_finish(const Vcpu& vcpu, GuestReply& reply) {
  if (is_paused_) return;
  flush_write();
  const Memory& seen = memory(vcpu);
  if (!seen.execution.empty()) {
    return add(vcpu, seen.begun_kind, seen.begun + " led to " + show_execution(seen.execution));
  }
  const bool fault = reply.status == ASSAY_STATUS_FAULT;
  add(vcpu, seen.begun_kind,
      seen.begun + " = " + (fault ? describe_fault(reply.fault) : show_signed(static_cast<int64_t>(reply.value[0]))));
}

void CaseSteps::on_check(std::string text, bool held) {
  flush_write();
  keep({"", "check", std::move(text), !held});
}

void CaseSteps::pause(std::string what) {
  flush_write();
  keep({"", "harness", std::move(what)});
  is_paused_ = true;
}

void CaseSteps::flush_write() {
  if (unshown_write_va_ == 0) return;
  unshown_write_va_ = 0;
  keep(std::move(unshown_write_));
}

void CaseSteps::add(const Vcpu& vcpu, std::string_view kind, std::string text) {
  keep({name_of(vcpu), std::string(kind), std::move(text)});
}

void CaseSteps::keep(CaseStep step) {
  std::vector<CaseStep>& latest = last_.empty() ? first_ : last_;
  if (!latest.empty()) {
    CaseStep& before = latest.back();
    if (before.vcpu == step.vcpu && before.kind == step.kind && before.text == step.text &&
        before.failed == step.failed) {
      ++before.repeats;
      return;
    }
  }
  if (first_.size() < kFirstMax) {
    first_.push_back(std::move(step));
    return;
  }
  if (last_.size() == kLastMax) {
    last_.erase(last_.begin());
    ++dropped_;
  }
  last_.push_back(std::move(step));
}

std::vector<CaseStep> CaseSteps::taken() const {
  std::vector<CaseStep> all = first_;
  if (dropped_ != 0) all.push_back({"", "harness", fmt::format("{} further steps are not kept", dropped_)});
  all.insert(all.end(), last_.begin(), last_.end());
  return all;
}

}  // namespace assay
