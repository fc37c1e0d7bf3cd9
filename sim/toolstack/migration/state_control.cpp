#include "sim/toolstack/migration/state_control.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {

using toolstack::must;
using toolstack::Privileged;
using toolstack::set_handle;

namespace {

/// What a set operation is given behind `size` of xen_domctl_ext_vcpucontext, and a get operation fills.
constexpr uint64_t kExtendedBytesMax = 128;
/// Where the MSRs of a policy lie in the buffer; the CPUID leaves come first.
constexpr uint64_t kPolicyMsrOffset = Privileged::kBufferBytes / 4 * 3;
constexpr uint64_t kMsrsMax = 1024;
constexpr uint64_t kMsrBytes = sizeof(xen_domctl_vcpu_msr_t);

bool is_absent(int64_t result) {
  return result == -ENOSYS || result == -EOPNOTSUPP;
}

}  // namespace

std::string StateControl::of(const std::string& name) const {
  return name + " of domain " + std::to_string(domain_.raw());
}

void StateControl::must_domctl(Op& op, const char* name) const {
  must(dom0_->domctl(op), of(name));
}

bool StateControl::try_domctl(Op& op, const char* name) const {
  const int64_t result = dom0_->domctl(op);
  if (is_absent(result)) return false;
  must(result, of(name));
  return true;
}

Bytes StateControl::buffer(uint64_t bytes) const {
  if (bytes > Privileged::kBufferBytes) throw ToolstackError(of("a state") + " is larger than the toolstack's buffer");
  Bytes read(bytes);
  dom0_->read_buffer(read);
  return read;
}

bool StateControl::is_online(uint32_t vcpu) const {
  Op op = request(XEN_DOMCTL_getvcpuinfo);
  op.u.getvcpuinfo.vcpu = vcpu;
  must_domctl(op, "getvcpuinfo");
  return op.u.getvcpuinfo.online != 0;
}

void StateControl::page_types(std::span<uint64_t> frames) const {
  constexpr uint64_t kFramesMax = 1024;
  for (uint64_t first = 0; first < frames.size(); first += kFramesMax) {
    const auto part = frames.subspan(first, std::min(kFramesMax, frames.size() - first));
    dom0_->write_buffer(std::as_bytes(part));
    Op op = request(XEN_DOMCTL_getpageframeinfo3);
    op.u.getpageframeinfo3.num = part.size();
    set_handle(op.u.getpageframeinfo3.array, dom0_->buffer());
    must_domctl(op, "getpageframeinfo3");
    dom0_->read_buffer(std::as_writable_bytes(part));
  }
}

TscInfo StateControl::tsc_info() const {
  Op op = request(XEN_DOMCTL_gettscinfo);
  must_domctl(op, "gettscinfo");
  const xen_domctl_tsc_info& info = op.u.tsc_info;
  return {info.tsc_mode, info.gtsc_khz, info.elapsed_nsec, info.incarnation};
}

void StateControl::set_tsc_info(const TscInfo& info) const {
  Op op = request(XEN_DOMCTL_settscinfo);
  op.u.tsc_info.tsc_mode = info.mode;
  op.u.tsc_info.gtsc_khz = info.khz;
  op.u.tsc_info.elapsed_nsec = info.elapsed_ns;
  op.u.tsc_info.incarnation = info.incarnation;
  must_domctl(op, "settscinfo");
}

std::optional<Bytes> StateControl::vcpu_state(RecordType type, uint32_t vcpu) const {
  switch (type) {
    case RecordType::kVcpuBasic:
      return basic(vcpu);
    case RecordType::kVcpuExtended:
      return extended(vcpu);
    case RecordType::kVcpuXsave:
      return xsave(vcpu);
    case RecordType::kVcpuMsrs:
      return msrs(vcpu);
    default:
      throw HarnessFault(name_of(type) + " is no state of a vCPU");
  }
}

bool StateControl::set_vcpu_state(const VcpuState& state) const {
  switch (state.type) {
    case RecordType::kVcpuBasic: {
      dom0_->write_buffer(state.context);
      Op op = request(XEN_DOMCTL_setvcpucontext);
      op.u.vcpucontext.vcpu = state.vcpu;
      set_handle(op.u.vcpucontext.ctxt, dom0_->buffer());
      must_domctl(op, "setvcpucontext");
      return true;
    }
    case RecordType::kVcpuExtended:
      return set_extended(state);
    case RecordType::kVcpuXsave:
      return set_xsave(state);
    case RecordType::kVcpuMsrs:
      return set_msrs(state);
    default:
      throw HarnessFault(name_of(state.type) + " is no state of a vCPU");
  }
}

Bytes StateControl::basic(uint32_t vcpu) const {
  Op op = request(XEN_DOMCTL_getvcpucontext);
  op.u.vcpucontext.vcpu = vcpu;
  set_handle(op.u.vcpucontext.ctxt, dom0_->buffer());
  must_domctl(op, "getvcpucontext");
  return buffer(sizeof(vcpu_guest_context));
}

std::optional<Bytes> StateControl::extended(uint32_t vcpu) const {
  Op op = request(XEN_DOMCTL_get_ext_vcpucontext);
  op.u.ext_vcpucontext.vcpu = vcpu;
  if (!try_domctl(op, "get_ext_vcpucontext")) return std::nullopt;
  const auto* const first = reinterpret_cast<const std::byte*>(&op.u.ext_vcpucontext);
  return Bytes(first, first + std::min<uint64_t>(op.u.ext_vcpucontext.size, kExtendedBytesMax));
}

bool StateControl::set_extended(const VcpuState& state) const {
  if (state.context.size() > kExtendedBytesMax) throw ToolstackError(of("an extended context") + " is too long");
  Op op = request(XEN_DOMCTL_set_ext_vcpucontext);
  std::memcpy(&op.u, state.context.data(), state.context.size());
  op.u.ext_vcpucontext.vcpu = state.vcpu;
  op.u.ext_vcpucontext.size = static_cast<uint32_t>(state.context.size());
  return try_domctl(op, "set_ext_vcpucontext");
}

std::optional<Bytes> StateControl::xsave(uint32_t vcpu) const {
  Op op = request(XEN_DOMCTL_getvcpuextstate);
  op.u.vcpuextstate.vcpu = vcpu;
  if (!try_domctl(op, "getvcpuextstate")) return std::nullopt;
  // Asked without a buffer, it tells the size.
  const uint64_t bytes = op.u.vcpuextstate.size;
  if (bytes == 0) return Bytes{};
  set_handle(op.u.vcpuextstate.buffer, dom0_->buffer());
  must_domctl(op, "getvcpuextstate");
  return buffer(bytes);
}

bool StateControl::has_xsave(uint32_t vcpu) const {
  Op op = request(XEN_DOMCTL_getvcpuextstate);
  op.u.vcpuextstate.vcpu = vcpu;
  return try_domctl(op, "getvcpuextstate") && op.u.vcpuextstate.xfeature_mask != 0;
}

bool StateControl::set_xsave(const VcpuState& state) const {
  // Where processors have no XSAVE, the operation takes nothing but what says nothing: as if there were none.
  if (!has_xsave(state.vcpu)) return false;
  dom0_->write_buffer(state.context);
  Op op = request(XEN_DOMCTL_setvcpuextstate);
  op.u.vcpuextstate.vcpu = state.vcpu;
  op.u.vcpuextstate.size = state.context.size();
  set_handle(op.u.vcpuextstate.buffer, dom0_->buffer());
  return try_domctl(op, "setvcpuextstate");
}

std::optional<Bytes> StateControl::msrs(uint32_t vcpu) const {
  Op op = request(XEN_DOMCTL_get_vcpu_msrs);
  op.u.vcpu_msrs.vcpu = vcpu;
  op.u.vcpu_msrs.msr_count = kMsrsMax;
  set_handle(op.u.vcpu_msrs.msrs, dom0_->buffer());
  if (!try_domctl(op, "get_vcpu_msrs")) return std::nullopt;
  return buffer(op.u.vcpu_msrs.msr_count * kMsrBytes);
}

bool StateControl::set_msrs(const VcpuState& state) const {
  dom0_->write_buffer(state.context);
  Op op = request(XEN_DOMCTL_set_vcpu_msrs);
  op.u.vcpu_msrs.vcpu = state.vcpu;
  op.u.vcpu_msrs.msr_count = static_cast<uint32_t>(state.context.size() / kMsrBytes);
  set_handle(op.u.vcpu_msrs.msrs, dom0_->buffer());
  return try_domctl(op, "set_vcpu_msrs");
}

std::optional<StateControl::Policy> StateControl::cpu_policy() const {
  Op op = request(XEN_DOMCTL_get_cpu_policy);
  op.u.cpu_policy.nr_leaves = kPolicyMsrOffset / sizeof(xen_cpuid_leaf_t);
  op.u.cpu_policy.nr_msrs = (Privileged::kBufferBytes - kPolicyMsrOffset) / sizeof(xen_msr_entry_t);
  set_handle(op.u.cpu_policy.leaves, dom0_->buffer());
  set_handle(op.u.cpu_policy.msrs, dom0_->buffer() + kPolicyMsrOffset);
  if (!try_domctl(op, "get_cpu_policy")) return std::nullopt;
  const Bytes all = buffer(Privileged::kBufferBytes);
  const auto part = [&](uint64_t offset, uint64_t bytes) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(offset);
    return Bytes(first, first + static_cast<std::ptrdiff_t>(bytes));
  };
  return Policy{part(0, op.u.cpu_policy.nr_leaves * sizeof(xen_cpuid_leaf_t)),
                part(kPolicyMsrOffset, op.u.cpu_policy.nr_msrs * sizeof(xen_msr_entry_t))};
}

bool StateControl::set_cpu_policy(const Policy& policy) const {
  if (policy.cpuid.size() > kPolicyMsrOffset || policy.msrs.size() > Privileged::kBufferBytes - kPolicyMsrOffset) {
    throw ToolstackError(of("a CPU policy") + " is larger than the toolstack's buffer");
  }
  Bytes all(kPolicyMsrOffset + policy.msrs.size());
  std::ranges::copy(policy.cpuid, all.begin());
  std::ranges::copy(policy.msrs, all.begin() + kPolicyMsrOffset);
  dom0_->write_buffer(all);
  Op op = request(XEN_DOMCTL_set_cpu_policy);
  op.u.cpu_policy.nr_leaves = static_cast<uint32_t>(policy.cpuid.size() / sizeof(xen_cpuid_leaf_t));
  op.u.cpu_policy.nr_msrs = static_cast<uint32_t>(policy.msrs.size() / sizeof(xen_msr_entry_t));
  set_handle(op.u.cpu_policy.leaves, dom0_->buffer());
  set_handle(op.u.cpu_policy.msrs, dom0_->buffer() + kPolicyMsrOffset);
  return try_domctl(op, "set_cpu_policy");
}

uint64_t StateControl::last_gfn() const {
  const uint16_t domain = domain_.raw();
  return static_cast<uint64_t>(must(dom0_->memory_op(XENMEM_maximum_gpfn, domain), of("maximum_gpfn")));
}

Bytes StateControl::hvm_context() const {
  Op op = request(XEN_DOMCTL_gethvmcontext);
  op.u.hvmcontext.size = Privileged::kBufferBytes;
  set_handle(op.u.hvmcontext.buffer, dom0_->buffer());
  must_domctl(op, "gethvmcontext");
  return buffer(op.u.hvmcontext.size);
}

uint64_t StateControl::hvm_param(uint32_t index) const {
  xen_hvm_param param;
  std::memset(&param, 0, sizeof param);
  param.domid = domain_.raw();
  param.index = index;
  dom0_->vcpu().write(dom0_->argument(), param);
  must(dom0_->call(__HYPERVISOR_hvm_op, {HVMOP_get_param, dom0_->argument().raw()}), of("hvm_op get_param"));
  return dom0_->vcpu().read<xen_hvm_param>(dom0_->argument()).value;
}

void StateControl::resume() const {
  Op op = request(XEN_DOMCTL_resumedomain);
  must_domctl(op, "resumedomain");
}

}  // namespace assay::migration
