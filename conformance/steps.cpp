#include "conformance/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "conformance/show.hpp"
#include "conformance/show_instruction.hpp"
#include "sim/abi/describe.hpp"
#include "sim/abi/describe_call.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr size_t kRememberedWrites = 8;
constexpr size_t kRememberedBytes = 512;
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
      return {"operation", fmt::format("{}", static_cast<uint32_t>(request.op)) + describe_numbers(request.arg)};
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

  const auto found = std::find_if(seen.written.rbegin(), seen.written.rend(),
                                  [&](const auto& entry) { return entry.first == seen.argument; });
  const bool is_known = seen.argument != 0 && found != seen.written.rend();
  return describe_call(number, arguments, is_known ? found->second : std::span<const std::byte>());
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
