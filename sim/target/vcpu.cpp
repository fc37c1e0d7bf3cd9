#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sim/target/target.hpp"

namespace assay {

namespace {

std::string describe(const char* what, Gva va, const assay_fault& fault) {
  char text[160];
  std::snprintf(text, sizeof text, "guest %s at 0x%llx raised exception %u, error code 0x%x, address 0x%llx", what,
                static_cast<unsigned long long>(va.raw()), fault.vector, fault.error_code,
                static_cast<unsigned long long>(fault.address));
  return text;
}

std::optional<assay_fault> fault_of(const GuestReply& reply) {
  if (reply.status == ASSAY_STATUS_FAULT) return reply.fault;
  return std::nullopt;
}

GuestRequest make_request(assay_op op, std::initializer_list<uint64_t> args) {
  GuestRequest request;
  request.op = op;
  std::copy(args.begin(), args.end(), request.arg.begin());
  return request;
}

GuestRequest hypercall_request(uint32_t number, std::initializer_list<uint64_t> args) {
  if (args.size() > 6) throw HarnessFault("a hypercall takes at most 6 arguments");
  GuestRequest request;
  request.op = ASSAY_OP_HYPERCALL;
  request.arg[0] = number;
  std::copy(args.begin(), args.end(), request.arg.begin() + 1);
  return request;
}

int64_t hypercall_result(const GuestReply& reply) {
  if (reply.status == ASSAY_STATUS_FAULT) {
    throw HarnessFault(describe("hypercall instruction", Gva{reply.fault.rip}, reply.fault));
  }
  return static_cast<int64_t>(reply.value[0]);
}

}  // namespace

Vcpu::Vcpu(Domain& domain, uint32_t id, std::unique_ptr<GuestPort> port)
    : domain_(&domain), id_(id), port_(std::move(port)) {}

Vcpu::~Vcpu() = default;

GuestReply Vcpu::execute(const GuestRequest& request, uint64_t timeout_ns, const char* what) {
  GuestReply reply;
  OperationObserver* const observer = domain_->observer();
  if (observer != nullptr && observer->stands_in(*this, request, reply)) return reply;
  if (!port_->execute(request, reply, timeout_ns)) {
    throw TargetDied(TargetDied::How::kHang, "vcpu " + std::to_string(id_) + " of domain " +
                                                 std::to_string(domain_->id().raw()) + " did not come back from " +
                                                 what);
  }
  if (observer != nullptr) observer->on_operation(*this, request, reply);
  return reply;
}

GuestReply Vcpu::execute(const GuestRequest& request) {
  GuestReply reply = execute(request, kPatienceNs, "an operation that takes no time");
  if (reply.status == ASSAY_STATUS_BAD_OP || reply.status == ASSAY_STATUS_BAD_ARGUMENT) {
    throw HarnessFault("the agent refused operation " + std::to_string(request.op) + " with status " +
                       std::to_string(reply.status));
  }
  return reply;
}

int64_t Vcpu::hypercall(uint32_t number, std::initializer_list<uint64_t> args) {
  return hypercall_result(execute(hypercall_request(number, args)));
}

void Vcpu::start(const GuestRequest& request) {
  port_->start(request);
  if (OperationObserver* observer = domain_->observer()) observer->on_start(*this, request);
}

void Vcpu::start_hypercall(uint32_t number, std::initializer_list<uint64_t> args) {
  start(hypercall_request(number, args));
}

std::optional<int64_t> Vcpu::finish_hypercall(uint64_t timeout_ns) {
  GuestReply reply;
  if (!port_->await(reply, timeout_ns)) return std::nullopt;
  if (OperationObserver* observer = domain_->observer()) observer->on_finish(*this, reply);
  return hypercall_result(reply);
}

std::optional<assay_fault> Vcpu::read_bytes(Gva va, std::span<std::byte> out) {
  for (size_t done = 0; done < out.size();) {
    const size_t bytes = std::min<size_t>(out.size() - done, ASSAY_MAILBOX_DATA_BYTES);
    GuestRequest request = make_request(ASSAY_OP_READ, {va.raw() + done, bytes});
    request.out = out.subspan(done, bytes);
    if (auto fault = fault_of(execute(request))) return fault;
    done += bytes;
  }
  return std::nullopt;
}

std::optional<assay_fault> Vcpu::write_bytes(Gva va, std::span<const std::byte> in) {
  for (size_t done = 0; done < in.size();) {
    const size_t bytes = std::min<size_t>(in.size() - done, ASSAY_MAILBOX_DATA_BYTES);
    GuestRequest request = make_request(ASSAY_OP_WRITE, {va.raw() + done});
    request.in = in.subspan(done, bytes);
    if (auto fault = fault_of(execute(request))) return fault;
    done += bytes;
  }
  return std::nullopt;
}

std::optional<assay_fault> Vcpu::fill(Gva va, uint64_t bytes, uint8_t value) {
  return fault_of(execute(make_request(ASSAY_OP_FILL, {va.raw(), bytes, value})));
}

Outcome<uint64_t> Vcpu::atomic(assay_atomic kind, Gva va, unsigned width_bytes, uint64_t operand, uint64_t comparand) {
  const GuestReply reply = execute(make_request(ASSAY_OP_ATOMIC, {va.raw(), width_bytes, kind, operand, comparand}));
  return {reply.value[0], fault_of(reply)};
}

Outcome<std::array<uint32_t, 4>> Vcpu::cpuid(uint32_t leaf, uint32_t subleaf) {
  const GuestReply reply = execute(make_request(ASSAY_OP_CPUID, {leaf, subleaf}));
  std::array<uint32_t, 4> registers{};
  std::transform(reply.value.begin(), reply.value.end(), registers.begin(),
                 [](uint64_t value) { return static_cast<uint32_t>(value); });
  return {registers, fault_of(reply)};
}

Outcome<uint64_t> Vcpu::rdmsr(uint32_t index) {
  const GuestReply reply = execute(make_request(ASSAY_OP_RDMSR, {index}));
  return {reply.value[0], fault_of(reply)};
}

std::optional<assay_fault> Vcpu::wrmsr(uint32_t index, uint64_t value) {
  return fault_of(execute(make_request(ASSAY_OP_WRMSR, {index, value})));
}

uint64_t Vcpu::time_ns() {
  return execute(make_request(ASSAY_OP_TIME, {})).value[0];
}

uint64_t Vcpu::tsc() {
  return execute(make_request(ASSAY_OP_TIME, {})).value[1];
}

void Vcpu::set_upcalls(bool enabled) {
  execute(make_request(ASSAY_OP_UPCALLS, {enabled ? 1u : 0u}));
}

UpcallRecord Vcpu::upcalls() {
  const GuestReply reply = execute(make_request(ASSAY_OP_UPCALL_RECORD, {}));
  return {reply.value[0], reply.value[1], static_cast<uint8_t>(reply.value[2]), reply.value[2] >> 8, reply.value[3]};
}

bool Vcpu::wait_upcalls(uint64_t count, uint64_t timeout_ns) {
  const GuestRequest request = make_request(ASSAY_OP_WAIT_UPCALL, {count, timeout_ns});
  return execute(request, timeout_ns + kPatienceNs, "waiting for an upcall").status == ASSAY_STATUS_OK;
}

void Vcpu::spin(uint64_t ns) {
  execute(make_request(ASSAY_OP_SPIN, {ns}), ns + kPatienceNs, "spinning for a time");
}

void Vcpu::start_halt() {
  start(make_request(ASSAY_OP_HALT, {}));
}

void Vcpu::start_instruction(assay_instruction instruction, const assay_registers& registers, assay_execute_mode mode) {
  registers_ = registers;
  execution_ = assay_execution{};
  GuestRequest request = make_request(ASSAY_OP_EXECUTE, {instruction, mode});
  request.in = std::as_bytes(std::span(&registers_, 1));
  request.out = std::as_writable_bytes(std::span(&execution_, 1));
  start(request);
}

std::optional<assay_execution> Vcpu::finish_instruction(uint64_t timeout_ns) {
  GuestReply reply;
  if (!port_->await(reply, timeout_ns)) return std::nullopt;
  if (reply.status != ASSAY_STATUS_OK) {
    throw HarnessFault("an instruction was not executed: status " + std::to_string(reply.status));
  }
  if (OperationObserver* observer = domain_->observer()) observer->on_finish(*this, reply);
  return execution_;
}

assay_execution Vcpu::instruction(assay_instruction instruction, const assay_registers& registers,
                                  assay_execute_mode mode) {
  start_instruction(instruction, registers, mode);
  const auto execution = finish_instruction(kPatienceNs);
  if (execution) return *execution;
  throw TargetDied(TargetDied::How::kHang, "vcpu " + std::to_string(id_) + " of domain " +
                                               std::to_string(domain_->id().raw()) + " came back from no instruction");
}

GuestReply Vcpu::raw(const GuestRequest& request, uint64_t timeout_ns) {
  return execute(request, timeout_ns, "a raw operation");
}

void Vcpu::must(const std::optional<assay_fault>& fault, const char* what, Gva va) {
  if (fault) throw HarnessFault(describe(what, va, *fault));
}

}  // namespace assay
