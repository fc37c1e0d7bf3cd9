#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/hypercall/hvm_op.hpp"

namespace hv {

namespace {

enum class Access : uint8_t { kNone, kRead, kReadWrite };

/// What a guest may do to its own parameters.
Access own_access(uint32_t index) {
  switch (index) {
    case HVM_PARAM_CALLBACK_IRQ:
    case HVM_PARAM_VM86_TSS:
    case HVM_PARAM_VM86_TSS_SIZED:
    case HVM_PARAM_ACPI_IOPORTS_LOCATION:
    case HVM_PARAM_VM_GENERATION_ID_ADDR:
    case HVM_PARAM_STORE_EVTCHN:
    case HVM_PARAM_CONSOLE_EVTCHN:
    case HVM_PARAM_X87_FIP_WIDTH:
      return Access::kReadWrite;
    case HVM_PARAM_STORE_PFN:
    case HVM_PARAM_CONSOLE_PFN:
    case HVM_PARAM_ALTP2M:
      return Access::kRead;
    default:
      return Access::kNone;
  }
}

bool deprecated(uint32_t index) {
  switch (index) {
    case HVM_PARAM_PAE_ENABLED:
    case HVM_PARAM_DM_DOMAIN:
    case HVM_PARAM_MEMORY_EVENT_CR0:
    case HVM_PARAM_MEMORY_EVENT_CR3:
    case HVM_PARAM_MEMORY_EVENT_CR4:
    case HVM_PARAM_MEMORY_EVENT_INT3:
    case HVM_PARAM_NESTEDHVM:
    case HVM_PARAM_MEMORY_EVENT_SINGLE_STEP:
    case HVM_PARAM_BUFIOREQ_EVTCHN:
    case HVM_PARAM_MEMORY_EVENT_MSR:
      return true;
    default:
      return false;
  }
}

bool set_once(uint32_t index) {
  switch (index) {
    case HVM_PARAM_VIRIDIAN:
    case HVM_PARAM_IOREQ_SERVER_PFN:
    case HVM_PARAM_NR_IOREQ_SERVER_PAGES:
    case HVM_PARAM_ALTP2M:
    case HVM_PARAM_MCA_CAP:
      return true;
    default:
      return false;
  }
}

bool value_ok(uint32_t index, uint64_t value) {
  switch (index) {
    case HVM_PARAM_TIMER_MODE:
      return value <= HVMPTM_one_missed_tick_pending;
    case HVM_PARAM_TRIPLE_FAULT_REASON:
      return value <= SHUTDOWN_MAX;
    case HVM_PARAM_X87_FIP_WIDTH:
      return value == 0 || value == 4 || value == 8;
    case HVM_PARAM_NR_IOREQ_SERVER_PAGES:
      return value != 0 && value <= 64;
    default:
      return true;
  }
}

constexpr uint64_t kTssBytesMin = 0x68;
/// What a TSS that was given without its size has: old firmware counts on it.
constexpr uint64_t kTssBytesUnsized = 128;
/// One with all interrupt redirection and I/O permission bits; more is never looked at.
constexpr uint64_t kTssBytesMax = kTssBytesMin + 32 + 8192 + 1;

/// Address and size of the TSS for virtual 8086 mode, which two parameters name. EINVAL: no room for a TSS.
Result<uint64_t> sized_tss(uint32_t index, uint64_t value) {
  if (index == HVM_PARAM_VM86_TSS) {
    if (value >> 32 != 0) return fail(XEN_EINVAL);
    return value == 0 ? 0 : kTssBytesUnsized << 32 | value;
  }
  const uint64_t bytes = value >> 32;
  if (bytes < kTssBytesMin) return fail(XEN_EINVAL);
  return std::min(bytes, kTssBytesMax) << 32 | (value & UINT32_MAX);
}

int64_t set_tss(Call& call, Domain& domain, uint32_t index, uint64_t value) {
  const Result<uint64_t> tss = sized_tss(index, value);
  if (!tss.ok()) {
    // A guest that cannot describe its own TSS does not get far: it is told apart from a toolstack's mistake.
    if (&domain == &call.domain()) crash_domain(domain, "a TSS of %#lx at %#lx", value >> 32, value & UINT32_MAX);
    return tss.status().raw();
  }
  domain.hvm_params[HVM_PARAM_VM86_TSS_SIZED] = *tss;
  return 0;
}

/// Of the routes only a vector can be taken: lines end at controllers that no domain here has. What is no vector leaves
/// the one in force alone.
void set_callback(Domain& domain, uint64_t via) {
  if (via >> 56 != HVM_PARAM_CALLBACK_TYPE_VECTOR) return;
  domain.callback_vector = static_cast<uint8_t>(via);
  for (uint32_t id = 0; id < domain.max_vcpus; ++id) {
    Vcpu* vcpu = domain.vcpus[id];
    if (vcpu != nullptr && (vcpu->pause_flags & kPauseDown) == 0) vcpu_kick(*vcpu);
  }
}

struct Request {
  xen_hvm_param_t args;
  Domain* domain;
};

/// The checks that set and get have in common.
Result<Request> decode(Call& call, Gva argument, Access wanted) {
  Request request{};
  if (!read_guest(call.space(), request.args, argument)) return fail(XEN_EFAULT);
  if (request.args.index >= HVM_NR_PARAMS + (fault("hvm.param_index_off_by_one") ? 1 : 0)) return fail(XEN_EINVAL);
  request.domain = domain_by_any_id(call.domain(), request.args.domid);
  if (request.domain == nullptr) return fail(XEN_ESRCH);
  if (request.domain->kind != GuestKind::kHvm) return fail(XEN_EINVAL);
  if (!may_act_on(call.domain(), *request.domain) && !fault("hvm.params_of_anybody")) return fail(XEN_EPERM);
  if (deprecated(request.args.index)) return fail(XEN_EINVAL);
  const bool own = request.domain == &call.domain();
  if (own && own_access(request.args.index) < wanted && !fault("hvm.own_params_writable")) return fail(XEN_EPERM);
  return request;
}

}  // namespace

int64_t hvmop_set_param(Call& call, Gva argument) {
  const Result<Request> request = decode(call, argument, Access::kReadWrite);
  if (!request.ok()) return request.status().raw();
  const uint32_t index = request->args.index;
  const uint64_t value = request->args.value;
  uint64_t& param = request->domain->hvm_params[index];
  if (set_once(index) && param != 0 && param != value && !fault("hvm.param_set_twice")) return -XEN_EEXIST;
  if (!value_ok(index, value)) return -XEN_EINVAL;
  // It moves the ports of a power management timer, which nobody emulates.
  if (index == HVM_PARAM_ACPI_IOPORTS_LOCATION) return -XEN_ENODEV;
  if (index == HVM_PARAM_VM86_TSS || index == HVM_PARAM_VM86_TSS_SIZED) {
    return set_tss(call, *request->domain, index, value);
  }
  param = value;
  if (index == HVM_PARAM_CALLBACK_IRQ) set_callback(*request->domain, value);
  return 0;
}

int64_t hvmop_get_param(Call& call, Gva argument) {
  Result<Request> request = decode(call, argument, Access::kRead);
  if (!request.ok()) return request.status().raw();
  const auto& params = request->domain->hvm_params;
  // The address of a TSS and the address with its size are one parameter.
  request->args.value = request->args.index == HVM_PARAM_VM86_TSS ? params[HVM_PARAM_VM86_TSS_SIZED] & UINT32_MAX
                                                                  : params[request->args.index];
  return write_guest(call.space(), argument, request->args) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
